"""The names of files as a compact tree: one line per folder, cut down to what a number of tokens allows.

Each line stands for itself, so tokens add up. Knows no content, no ranks, no forms.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from copilot.repo.forms import shown

CountAll = Callable[[Sequence[str]], list[int]]

_LEAST_PART = 8
"""Tokens that must be left to try names in the place of a summary: one name and the number of the others."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Lines of the tree, each with its newline, and what they cost."""

    lines: tuple[str, ...]
    tokens: int
    shares: dict[str, int]
    """Path -> its part of `tokens`, for the paths that are named."""
    unnamed: tuple[str, ...]
    """Paths that are only counted, or left out altogether."""


class _Line(NamedTuple):
    text: str
    tokens: int
    named: tuple[str, ...] = ()


def tree(paths: Sequence[str], room: int, count: CountAll) -> Tree:
    """Name as many of `paths` (sorted) as fit in `room` tokens; folders that do not fit are counted."""
    folders = _by_folder(paths)
    if len(folders) <= room:  # a line is a token at least
        lines = _counted(_listing(folders), count)
        if sum(line.tokens for line in lines) <= room:
            return _made(paths, lines)
    summaries: dict[str, int] = {}
    stale: set[str] = set()
    for depth, sizes, changed in _levels(folders):
        stale |= changed
        if len(sizes) > room:
            continue
        again = sorted(stale & sizes.keys())
        summaries |= zip(again, count([_summary(folder, sizes[folder]) for folder in again]), strict=True)
        stale.clear()
        if sum(summaries[folder] for folder in sizes) <= room:
            costs = [(folder, summaries[folder]) for folder in sorted(sizes)]
            return _made(paths, _expanded(folders, _grouped(folders, depth), costs, room, count))
    return _made(paths, [])


def _expanded(
    folders: dict[str, list[str]],
    groups: dict[str, list[str]],
    summaries: Sequence[tuple[str, int]],
    room: int,
    count: CountAll,
) -> list[_Line]:
    """Replace the groups' summaries by names while there is room, first groups first."""
    left = room - sum(tokens for _, tokens in summaries)
    lines: list[_Line] = []
    for group, tokens in summaries:
        full = _counted(_listing({folder: folders[folder] for folder in groups[group]}), count)
        wanted = sum(line.tokens for line in full) - tokens
        if wanted <= left:
            left -= wanted
            lines += full
            continue
        inside = sorted(path for folder in groups[group] for path in folders[folder])
        part = _partly(group, inside, left + tokens, count) if left >= _LEAST_PART else None
        if part is None:
            lines.append(_Line(_summary(group, len(inside)), tokens))
        else:
            left -= part.tokens - tokens
            lines.append(part)
    return lines


def _partly(folder: str, inside: Sequence[str], room: int, count: CountAll) -> _Line | None:
    """A folder's line with as many names as fit, those further down by their path, and the number of the others."""
    best = None
    low, high = 0, min(len(inside) - 1, room)
    while low < high:
        middle = (low + high + 1) // 2
        text = _line(folder, tuple(inside[:middle]), len(inside) - middle)
        tokens = count([text])[0]
        if tokens <= room:
            low, best = middle, _Line(text, tokens, tuple(inside[:middle]))
        else:
            high = middle - 1
    return best


def _made(paths: Sequence[str], lines: Sequence[_Line]) -> Tree:
    shares: dict[str, int] = {}
    for line in lines:
        for number, path in enumerate(line.named):
            each, rest = divmod(line.tokens, len(line.named))
            shares[path] = each + (number < rest)
    unnamed = tuple(path for path in paths if path not in shares)
    return Tree(tuple(line.text for line in lines), sum(line.tokens for line in lines), shares, unnamed)


def _counted(lines: Sequence[tuple[str, tuple[str, ...]]], count: CountAll) -> list[_Line]:
    tokens = count([text for text, _ in lines])
    return [_Line(text, number, named) for (text, named), number in zip(lines, tokens, strict=True)]


def _by_folder(paths: Sequence[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(_folder(path), []).append(path)
    return folders


def _listing(folders: dict[str, list[str]]) -> list[tuple[str, tuple[str, ...]]]:
    inside = [(folder, tuple(folders[folder])) for folder in sorted(folders)]
    return [(_line(folder, named, 0), named) for folder, named in inside]


def _levels(folders: dict[str, list[str]]) -> Iterator[tuple[int, dict[str, int], set[str]]]:
    """From the deepest level up to the root: how many files each of the groups that `_grouped` makes there has, and
    which of them are new or have grown since the level below."""
    deepest = max((_level(folder) for folder in folders), default=0)
    levels: list[list[str]] = [[] for _ in range(deepest + 1)]
    for folder in folders:
        levels[_level(folder)].append(folder)
    sizes = {folder: len(inside) for folder, inside in folders.items()}
    yield deepest, sizes, set(sizes)
    for depth in range(deepest - 1, -1, -1):
        grown = set()
        for folder in levels[depth + 1]:
            above = _folder(folder)
            if above not in sizes:
                levels[depth].append(above)
            sizes[above] = sizes.get(above, 0) + sizes.pop(folder)
            grown.add(above)
        yield depth, sizes, grown


def _grouped(folders: Iterable[str], depth: int) -> dict[str, list[str]]:
    """Folders by the one at `depth` that they are joined to, which may be themselves."""
    groups: dict[str, list[str]] = {}
    for folder in sorted(folders):
        groups.setdefault("/".join(folder.split("/")[:depth]), []).append(folder)
    return groups


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _level(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


@lru_cache(maxsize=1 << 12)  # a pack asks for the same lines in every round
def _line(folder: str, paths: tuple[str, ...], more: int) -> str:
    names = [_name(path, folder) for path in paths]
    if more:
        names.append(f"… {more} more")
    return f"{_label(folder)}/: {' '.join(names)}\n"


def _label(folder: str) -> str:
    """A folder's name; never white space first, which would join tokens with the line above."""
    name = shown(folder) or "."
    return f"./{name}" if name[0] == " " else name


def _name(path: str, folder: str) -> str:
    name = shown(path.removeprefix(f"{folder}/") if folder else path)
    return f'"{name}"' if " " in name else name


def _summary(folder: str, files: int) -> str:
    return f"{_label(folder)}/: {files} {'file' if files == 1 else 'files'}\n"
