"""Where a diff fits a text, and what the text is on its other side.

A diff that came as a file may have been applied already or not, and lines may have moved since; context must match
exactly, but for carriage returns. Does not know: files, git, encodings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from copilot.repo.diff import FileDiff, Hunk, Line


@dataclass(frozen=True, slots=True)
class Fit:
    """A diff in its place: both texts, and its hunks with the line numbers they have there."""

    old_text: str
    new_text: str
    hunks: tuple[Hunk, ...]


def fit(file: FileDiff, text: str) -> Fit | None:
    """Both sides of a change to `text`, which is either of them; None if it is neither.

    Places as numbered win over moved ones, and having been applied over not.
    """
    lines = split_lines(text)
    for may_move in (False, True):
        for is_new in (True, False):
            places = _places(lines, file.hunks, is_new, may_move)
            if places is not None:
                return _fitted(file.hunks, places, text, is_new)
    return None


def split_lines(text: str) -> list[str]:
    """Lines without their ends; a last line without a newline counts, an empty one does not."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _side(hunk: Hunk, is_new: bool) -> list[Line]:
    return [line for line in hunk.lines if line.sign != ("-" if is_new else "+")]


def _places(lines: Sequence[str], hunks: Sequence[Hunk], is_new: bool, may_move: bool) -> list[int] | None:
    """0-based place of each hunk's lines, ascending; None if one is nowhere."""
    bare = [line.removesuffix("\r") for line in lines]
    places: list[int] = []
    least, offset = 0, 0
    for hunk in hunks:
        start, count = (hunk.new_start, hunk.new_count) if is_new else (hunk.old_start, hunk.old_count)
        wanted = [line.text.removesuffix("\r") for line in _side(hunk, is_new)]
        expected = (start - 1 if count else start) + offset
        place = _nearest(bare, wanted, expected, least) if may_move and wanted else expected
        if place is None or place < least or bare[place : place + len(wanted)] != wanted or place > len(bare):
            return None
        places.append(place)
        least, offset = place + len(wanted), offset + place - expected
    return places


def _nearest(lines: Sequence[str], wanted: Sequence[str], expected: int, least: int) -> int | None:
    """The place of `wanted` nearest to `expected`; None if there is none at or after `least`."""
    rarest = max(range(len(wanted)), key=lambda at: len(wanted[at]))
    found = [
        at - rarest
        for at in range(least + rarest, len(lines) - len(wanted) + rarest + 1)
        if lines[at] == wanted[rarest] and lines[at - rarest : at - rarest + len(wanted)] == wanted
    ]
    return min(found, key=lambda place: (abs(place - expected), place), default=None)


def _fitted(hunks: Sequence[Hunk], places: Sequence[int], text: str, is_new: bool) -> Fit:
    lines = split_lines(text)
    other: list[str] = []
    moved: list[Hunk] = []
    ends = text.endswith("\n") or not text
    at = 0
    for hunk, place in zip(hunks, places, strict=True):
        other += lines[at:place]
        here, there = place, len(other)
        old, new = (there, here) if is_new else (here, there)
        moved.append(_renumbered(hunk, old + 1, new + 1))
        kept = _side(hunk, not is_new)
        other += [line.text for line in kept]
        at = place + len(_side(hunk, is_new))
        if at == len(lines) and kept:
            ends = kept[-1].has_newline
    other += lines[at:]
    made = "\n".join(other) + ("\n" if other and ends else "")
    old_text, new_text = (made, text) if is_new else (text, made)
    return Fit(old_text, new_text, tuple(moved))


def _renumbered(hunk: Hunk, old: int, new: int) -> Hunk:
    """The hunk with its first lines at these 1-based numbers."""
    old_start, new_start = (old if hunk.old_count else old - 1), (new if hunk.new_count else new - 1)
    lines: list[Line] = []
    for line in hunk.lines:
        lines.append(replace(line, old=old if line.sign != "+" else None, new=new if line.sign != "-" else None))
        old, new = old + (line.sign != "+"), new + (line.sign != "-")
    return replace(hunk, old_start=old_start, new_start=new_start, lines=tuple(lines))
