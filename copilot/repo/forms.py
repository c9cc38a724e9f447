"""The forms a file can take in a pack - full, outline, excerpt - as Markdown, and what each costs in tokens, exactly.

Every heading and every body starts with a character that is no white space and ends with exactly one newline, so the
tokens of a whole are the sum of the tokens of its parts. Knows no ranks and no budget.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from copilot.repo.index import Index, IndexedFile
from copilot.repo.languages import language_of
from copilot.repo.schema import TEXT

CHARS_PER_TOKEN = 3.6
"""For guesses only: what is packed is always counted."""

_RENDER_BATCH_CHARS = 4 << 20
_LINE_CHARS = 140
_VALUE = re.compile(r"[\w.\[\]: ]+ = ")
_PRIVATE = re.compile(r"^(?:(?:async|def|class|func|fn) )*_")
_TICKS = re.compile("`+")
_TAG = re.compile(r"[a-z0-9]{1,10}")


class Counter(Protocol):
    """Exact token counts of one vocabulary."""

    @property
    def name(self) -> str:
        """Identifies the vocabulary: equal names give equal counts."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text on its own."""


def heading(path: str, note: str = "") -> str:
    """The line above a file's body."""
    return f"## {shown(path)}{note}\n"


def shown(path: str) -> str:
    """A path as one printable line."""
    if path.isprintable():
        return path
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in path)


def fenced(text: str, tag: str) -> str:
    """`text` as a fenced block, the fence longer than any run of backticks inside."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    newline = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{tag}\n{text}{newline}{fence}\n"


def tag_of(path: str) -> str:
    """The word behind the opening fence: the language, else the file's ending."""
    language = language_of(path)
    if language is not None and language.is_code:
        return language.name
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    return ending if _TAG.fullmatch(ending) and "." in path.rpartition("/")[2] else ""


def shortened(outline: str, most_chars: int) -> str:
    """An outline of at most about `most_chars`: what others call at the top level stays longest, in its order."""
    if len(outline) <= most_chars:
        return outline
    lines = [_cut(line) for line in outline.split("\n")[:-1] if line.strip() not in ("", "…")]
    room = most_chars
    kept: set[int] = set()
    for number in sorted(range(len(lines)), key=lambda number: (_depth(lines[number]), number)):
        room -= len(lines[number]) + 1
        if room < 0:
            break
        kept.add(number)
    shown_lines = [line for number, line in enumerate(lines) if number in kept] or lines[:1]
    return "\n".join([*shown_lines, "…"]) + "\n"


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 1] + "…"


def _depth(line: str) -> int:
    """0 for a public signature at the top level, more for what says less about a file."""
    text = line.lstrip()
    if _VALUE.match(text) or _PRIVATE.search(text) or text[:1] in "@\"'#/*":
        return 2
    return 0 if len(text) == len(line) else 1


class Forms:
    """Bodies of the files of one index, and their exact costs under one counter, remembered in the index."""

    def __init__(self, index: Index, counter: Counter, most_outline_chars: int) -> None:
        self._index = index
        self._counter = counter
        self._most = most_outline_chars
        self._costs: dict[tuple[str, str], int] = {}
        self._texts: dict[str, int] = {}
        """Text -> its tokens."""
        self._fresh: dict[bytes, int] = {}
        """Those of `_texts` that the index does not have, by digest."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Exact tokens of headings, names and excerpts; remembered in the index once `keep` is called."""
        new = {_digest(text): text for text in texts if text not in self._texts}
        if new:
            known = self._index.token_counts(self._counter.name, TEXT, new)
            unknown = [key for key in new if key not in known]
            if unknown:
                counted = dict(zip(unknown, self._counter.count([new[key] for key in unknown]), strict=True))
                self._fresh |= counted
                known |= counted
            self._texts |= {text: known[key] for key, text in new.items()}
        return [self._texts[text] for text in texts]

    def keep(self) -> None:
        """Remember what `count` had to count: what did not change is packed again without a tokenizer."""
        if self._fresh:
            self._index.keep_token_counts(self._counter.name, TEXT, self._fresh)
            self._fresh = {}

    def guess(self, file: IndexedFile, form: str) -> float:
        """About how many tokens the file costs in a form, from its size alone."""
        size = file.size if form == "full" else min(file.outline_chars, self._most)
        return size / CHARS_PER_TOKEN + 12

    def cost(self, file: IndexedFile, form: str) -> int:
        """Exact tokens of heading and body."""
        if (file.path, form) not in self._costs:
            self.prepare([(file, form)])
        return self._costs[file.path, form]

    def section(self, file: IndexedFile, form: str) -> str:
        """Heading and body as they stand in the pack."""
        return heading(file.path) + self._bodies([file], form)[0]

    def prepare(self, wanted: Sequence[tuple[IndexedFile, str]]) -> None:
        """Count many at once; `cost` answers from here."""
        by_kind: dict[tuple[str, str], list[IndexedFile]] = {}
        for file, form in wanted:
            if (file.path, form) not in self._costs:
                by_kind.setdefault((form, tag_of(file.path)), []).append(file)
        for (form, tag), files in sorted(by_kind.items()):
            headings = self.count([heading(file.path) for file in files])
            bodies = self._body_counts(files, form, tag)
            for file, above in zip(files, headings, strict=True):
                self._costs[file.path, form] = above + bodies[file.key]

    def _body_counts(self, files: Sequence[IndexedFile], form: str, tag: str) -> dict[bytes, int]:
        kept_as = f"full:{tag}" if form == "full" else f"outline:{tag}:{self._most}"
        known = self._index.token_counts(self._counter.name, kept_as, (file.key for file in files))
        missing = {file.key: file for file in files if file.key not in known}
        fresh: dict[bytes, int] = {}
        for batch in _batches(list(missing.values())):
            counts = self._counter.count(self._bodies(batch, form))
            fresh.update(zip((file.key for file in batch), counts, strict=True))
        if fresh:
            self._index.keep_token_counts(self._counter.name, kept_as, fresh)
        return known | fresh

    def _bodies(self, files: Sequence[IndexedFile], form: str) -> list[str]:
        if form == "full":
            return [fenced(self._index.text(file), tag_of(file.path)) for file in files]
        outlines = self._index.outlines(files)
        return [fenced(self._short(file.path, outlines[file.path]), tag_of(file.path)) for file in files]

    def _short(self, path: str, outline: str) -> str:
        language = language_of(path)
        if language is not None and language.is_code:
            return shortened(outline, self._most)
        if len(outline) <= self._most:
            return outline
        beginning = outline[: self._most]
        return (beginning.rpartition("\n")[0] or beginning) + "\n…\n"


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).digest()


def _batches(files: Sequence[IndexedFile]) -> list[list[IndexedFile]]:
    """Runs of files whose texts may be in memory together."""
    batches: list[list[IndexedFile]] = [[]]
    size = 0
    for file in files:
        if size + file.size > _RENDER_BATCH_CHARS and batches[-1]:
            batches.append([])
            size = 0
        batches[-1].append(file)
        size += file.size
    return batches
