"""The structure of one source text: what it defines, what it uses, what it imports.

Lines end at "\\n" and nowhere else. Does not know: files, other texts, ranks; what is particular to a language is in
`languages` and `queries/*.scm`.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node, QueryCursor

from copilot.repo.languages import Language, query, reader, refine
from copilot.repo.nesting import TITLES, Frame, Mark, Span, marks, nest
from copilot.repo.signatures import comment_line, cut, docstring_line, one_line, without_arguments
from copilot.repo.syntax import is_tangled, parse, too_large

_MAX_SCOPES = 20
_SIGNATURE_CHARS = 240
_VALUE_CHARS = 80
_HOLDERS = frozenset({"class", "enum", "impl", "interface", "struct", "trait"})
_SHORT = TITLES | {"constant", "field", "macro"}
_NOT_NESTED = frozenset({"attribute", "comment", "import", "reference"})


@dataclass(frozen=True, slots=True)
class Definition:
    """One named thing and the lines it takes. Lines are 1-based and inclusive."""

    name: str
    kind: str
    """function, method, class, interface, struct, enum, trait, impl, type, constant, field, module or macro; table or
    view; of what is no code element, heading, key or rule."""
    start_line: int
    """With decorators and attributes."""
    end_line: int
    parent: str
    """Qualified name of the enclosing definition, "" at top level."""
    signature: str
    """One line, whitespace collapsed, without the body."""
    doc: str
    """First line of the docstring or doc comment, "" if there is none."""

    @property
    def qualified(self) -> str:
        """The name with its scopes: "Class.method"."""
        return f"{self.parent}.{self.name}" if self.parent else self.name


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that is called, accessed, imported or used as a type, once per text."""

    name: str
    lines: tuple[int, ...]
    """1-based, ascending, each line once."""

    @property
    def line(self) -> int:
        """The first of `lines`."""
        return self.lines[0]


@dataclass(frozen=True, slots=True)
class Structure:
    """What is known of one text."""

    definitions: tuple[Definition, ...]
    """By start line, outer before inner."""
    references: tuple[Reference, ...]
    """By first line, then name."""
    imports: tuple[str, ...]
    """Module names or paths as written, sorted, each once."""
    error: str | None
    """Why the structure may be incomplete, None if it is complete."""


def structure(text: str, language: Language | None) -> Structure:
    """Return what `text` defines and uses; nothing for a language of None. Never raises on bad source: see `error`."""
    if language is None:
        return Structure((), (), (), None)
    source = text.encode("utf-8", "replace")
    newlines = [match.start() for match in re.finditer(b"\n", source)]
    error = too_large(source, len(newlines))
    if error:
        return Structure((), (), (), error)
    if language.reader:
        return reader(language)(text)
    language = refine(language, text)
    tree = parse(source, language)
    if tree is None:
        return Structure((), (), (), "too ambiguous to parse: no structure")
    if is_tangled(tree):
        return Structure((), (), (), "nested too deeply or too broken to parse: no structure")
    cursor = QueryCursor(query(language))
    if language.depth:
        cursor.set_max_start_depth(language.depth)
    captures = cursor.captures(tree.root_node)
    return _Reader(source, newlines, captures, language).structure()


class _Reader:
    """Turns the captures of one text into values."""

    def __init__(
        self, source: bytes, newlines: Sequence[int], captures: dict[str, list[Node]], language: Language
    ) -> None:
        self._source = source
        self._newlines = newlines
        self._captures = captures
        self._language = language
        self._above: dict[int, tuple[int, int]] = {}
        """Last line of a comment or attribute -> its byte range."""
        for role in ("comment", "attribute"):
            for node in captures.get(role, ()):
                start, end = node.byte_range
                self._above[self._line(max(start, end - 1))] = (start, end)
        self._attributes = {node.start_byte for node in captures.get("attribute", ())}

    def structure(self) -> Structure:
        frames = nest(self._marks())
        named = {frame.name[0] for frame in frames if frame.name is not None}
        return Structure(self._definitions(frames), self._references(named), self._imports(), None)

    def _marks(self) -> list[Mark]:
        found: list[Mark] = []
        for capture, nodes in self._captures.items():
            if capture not in _NOT_NESTED and capture[0] != "_":
                found += marks(capture, [node.byte_range for node in nodes])
        found.sort()
        return found

    def _line(self, position: int) -> int:
        return bisect_left(self._newlines, position) + 1

    def _text(self, start: int, end: int) -> str:
        return self._source[start:end].decode("utf-8", "ignore")

    def _references(self, named: set[int]) -> tuple[Reference, ...]:
        source, newlines = self._source, self._newlines
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        for start, end in [node.byte_range for node in self._captures.get("reference", ())]:
            if end - start > 1:
                found[source[start:end]].append(start)
        noise = self._language.noise
        references = []
        for raw, starts in found.items():
            name = raw.decode("utf-8", "ignore")
            if name not in noise:
                lines = {bisect_left(newlines, start) + 1 for start in starts if start not in named}
                if lines:
                    references.append(Reference(name, tuple(sorted(lines))))
        return tuple(sorted(references, key=lambda reference: (reference.lines[0], reference.name)))

    def _imports(self) -> tuple[str, ...]:
        texts = {" ".join(self._text(*node.byte_range).split()) for node in self._captures.get("import", ())}
        bare = (text.removeprefix("import ").strip("\"'`") for text in texts)
        return tuple(sorted(name for name in bare if name))

    def _definitions(self, frames: Sequence[Frame]) -> tuple[Definition, ...]:
        definitions = []
        qualified: dict[int, tuple[str, int]] = {}
        for frame in frames:
            assert frame.name is not None
            scope = frame.scope()
            parent, depth = qualified.get(id(scope), ("", 0))
            if frame.receiver:
                parent = cut(self._spoken(frame.receiver), _VALUE_CHARS)
            name = self._spoken(frame.name)
            if frame.kind in TITLES:
                name = cut(name, _VALUE_CHARS)
            elif "::" in name:
                path = without_arguments(name).split("::")
                parent, name = ".".join(filter(None, (parent, *path[:-1]))), path[-1]
            else:
                name = name.removeprefix(":")
            if not name:
                continue
            own = f"{parent}.{name}" if parent else name
            qualified[id(frame)] = (own, depth + 1) if depth < _MAX_SCOPES else (parent, depth)
            kind = "method" if frame.kind == "function" and scope and scope.kind in _HOLDERS else frame.kind
            first, doc = self._documented(frame)
            end_line = self._line(max(frame.start, self._end_of_text(frame) - 1))
            definitions.append(Definition(name, kind, first, end_line, parent, self._signature(frame, name), doc))
        return tuple(sorted(definitions, key=lambda definition: (definition.start_line, -definition.end_line)))

    def _spoken(self, span: Span) -> str:
        return " ".join(self._text(*span).strip("\"'`").split())

    def _end_of_text(self, frame: Frame) -> int:
        end = frame.end
        while end > frame.start and self._source[end - 1] in b" \t\r\n":
            end -= 1
        return end

    def _signature(self, frame: Frame, name: str) -> str:
        start = frame.signature_start
        end = frame.body[0] if frame.body else frame.end
        limit = _VALUE_CHARS if frame.kind in _SHORT else _SIGNATURE_CHARS
        end = min(end, start + 4 * limit)
        raw = self._text(start, end)
        if frame.kind in TITLES and not frame.body:
            return cut(" ".join(raw.lstrip().partition("\n")[0].split()).rstrip(", "), limit)
        is_cut = frame.kind == "type" and raw.startswith("typedef") and "{" in raw
        if is_cut:
            raw = raw[: raw.index("{")]
        for comment in self._comments_within(start, end):
            raw = raw.replace(comment, " ", 1)
        text = one_line(raw)
        if is_cut or (frame.name and frame.body and frame.name[0] > frame.body[0]):
            text = f"{text} {name}"
        return cut(text, limit)

    def _comments_within(self, start: int, end: int) -> list[str]:
        if not self._above:
            return []
        spans = [self._above[line] for line in range(self._line(start), self._line(end) + 1) if line in self._above]
        return [self._text(*span) for span in spans if start <= span[0] < span[1] <= end]

    def _documented(self, frame: Frame) -> tuple[int, str]:
        """First line with attributes, and the first line of what documents the definition."""
        first = self._line(frame.first)
        block: list[Span] = []
        line = first - 1
        if line in self._above and self._starts_line(frame.first):
            while line in self._above and self._starts_line(self._above[line][0]):
                span = self._above[line]
                if span[0] not in self._attributes:
                    block.append(span)
                elif block:
                    break
                else:
                    first = self._line(span[0])
                line = self._line(span[0]) - 1
        if frame.doc:
            return first, docstring_line(self._text(*frame.doc))
        return first, comment_line([self._text(start, min(end, start + 2000)) for start, end in reversed(block)])

    def _starts_line(self, position: int) -> bool:
        """Whether only space stands before a place in its line."""
        line_start = self._source.rfind(b"\n", 0, position) + 1
        return not self._source[line_start:position].strip()
