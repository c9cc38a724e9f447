"""Structure and outlines: golden sources for every language, and what holds for any text whatever."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.repo.languages import LANGUAGES, Language, language_of, query
from copilot.repo.outline import outline
from copilot.repo.parse import MAX_BYTES
from copilot.repo.tags import Definition, Structure, structure

FOLDER = Path(__file__).parents[2] / "fixtures" / "languages"
SOURCES = sorted(path for path in FOLDER.glob("*/*") if path.suffix not in (".tags", ".outline"))
TEXTS = {path.name: path.read_text("utf-8") for path in SOURCES}
BY_NAME = {language.name: language for language in LANGUAGES}


def tags(text: str, path: str) -> str:
    """The structure of a source, one line per definition, reference and import."""
    found = structure(text, language_of(path))
    assert found.error is None
    lines = [f"{d.start_line}-{d.end_line} {d.kind} {d.qualified} | {d.signature} | {d.doc}" for d in found.definitions]
    lines += [f"uses {r.name} {','.join(map(str, r.lines))}" for r in found.references]
    lines += [f"imports {name}" for name in found.imports]
    return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_structure_of_a_source_is_as_written_beside_it(source: Path) -> None:
    """`<source>.tags` holds what is defined, used and imported, with lines."""
    expected = source.with_name(f"{source.name}.tags").read_text("utf-8")
    assert expected == tags(TEXTS[source.name], source.name)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_outline_of_a_source_is_as_written_beside_it(source: Path) -> None:
    """`<source>.outline` holds what a reader sees instead of the file."""
    text = TEXTS[source.name]
    expected = source.with_name(f"{source.name}.outline").read_text("utf-8")
    assert expected == outline(text, structure(text, language_of(source.name)))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_line_ends_do_not_change_the_structure(source: Path) -> None:
    """A checkout with CRLF has the same definitions on the same lines."""
    text = TEXTS[source.name]
    assert tags(text, source.name) == tags(text.replace("\n", "\r\n"), source.name)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_definition_is_on_its_lines(source: Path) -> None:
    """The first lines of a definition hold its name, and its parent's lines hold its own."""
    lines = TEXTS[source.name].split("\n")
    definitions = structure(TEXTS[source.name], language_of(source.name)).definitions
    for definition in definitions:
        taken = "\n".join(lines[definition.start_line - 1 : definition.end_line])
        assert definition.name in " ".join(taken.split())


def test_every_language_has_a_golden_source() -> None:
    """A row without a fixture is a row nobody has looked at."""
    assert sorted(BY_NAME) == sorted({path.parent.name for path in SOURCES})


@pytest.mark.parametrize("language", [row for row in LANGUAGES if row.grammar], ids=lambda language: language.name)
def test_every_query_compiles(language: Language) -> None:
    """Also with the oldest and newest grammars the project allows, where they are installed."""
    assert query(language).pattern_count > 0


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b.py", "python"), ("x.PYI", "python"), ("x.d.ts", "typescript"), ("a.tsx", "tsx"), ("a.jsx", "javascript"),
     ("a.h", "c"), ("a.hpp", "cpp"), ("a/Gemfile", "ruby"), ("build.gradle.kts", "kotlin"), ("a.yml", "yaml"),
     ("README.md", "markdown"), ("Makefile", None), (".py", None), ("a.py.txt", None), ("x.py/readme", None)],
)  # fmt: skip
def test_a_name_tells_the_language(path: str, name: str | None) -> None:
    """Only the last component and its last ending count."""
    language = language_of(path)
    assert name == (language.name if language else None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("class A { public: int m(); };\n", "A.m"),
        ("namespace n {\nint f();\n}\n", "n.f"),
        ("struct S { int x; };\n", "S.x"),
    ],
)
def test_a_header_is_read_as_the_language_it_is_written_in(text: str, name: str) -> None:
    """`.h` is C or C++; the text decides."""
    assert name in [definition.qualified for definition in structure(text, language_of("a.h")).definitions]


def test_lines_count_newlines_only() -> None:
    """Form feeds and line separators end no line, however many bytes they take."""
    text = 's = "\x0c\x1c\u2028é😀"\n\x0c\ndef über():\n    """Grüße\u2028."""\n'
    (constant, function) = structure(text, BY_NAME["python"]).definitions
    assert [(d.start_line, d.end_line) for d in (constant, function)] == [(1, 1), (3, 4)]
    assert Definition("über", "function", 3, 4, "", "def über()", "Grüße .") == function


def test_a_text_without_language_has_no_structure() -> None:
    """And that is no error."""
    assert Structure((), (), (), None) == structure("anything", None)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("python", "x = 1\n" * (MAX_BYTES // 6 + 1), "larger than 2 MiB"),
        ("javascript", "f();" * 10_000, "lines too long"),
        ("python", "(\n" * 100_000, "brackets nested too deeply"),
        ("python", "x = " + "a +\\\n" * 100_000 + "a", "nested too deeply or too broken"),
        ("javascript", "[\n" * 100_000, "brackets nested too deeply"),
        ("cpp", "a<\n" * 200_000, "brackets nested too deeply"),
        ("javascript", "/*---\n" * 10_000, "too ambiguous"),
    ],
)
def test_pathological_texts_are_cut_off_with_a_reason(name: str, text: str, reason: str) -> None:
    """No single file may hold up the index."""
    start = time.process_time()
    found = structure(text, BY_NAME[name])
    assert found.error is not None
    assert found.error.startswith(reason)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("opening", ["function a(){\n", "class A { m() {\n", "((\n", "[{a:\n", "`${\n", "<a>\n"])
def test_deep_nesting_does_not_overflow(opening: str) -> None:
    """Depth that still parses is read without recursion."""
    for name in ("javascript", "tsx"):
        found = structure(opening * 1500, BY_NAME[name])
        assert all(len(definition.parent) < 1000 for definition in found.definitions)


def test_a_body_of_one_definition_belongs_to_the_scope_around() -> None:
    """Where a grammar gives both the same bytes, the outer signature still ends before them."""
    found = structure("module Tide\n  def rise\n    1\n  end\nend\n", BY_NAME["ruby"]).definitions
    expected = ["module Tide", "def rise"]
    assert expected == [definition.signature for definition in found]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", "{" + ",\n".join(f'"key{n}": {n}' for n in range(3000)) + "}"),
        ("a.yaml", "top:\n" + "".join(f"  key{n}: {n}\n" for n in range(3000))),
        ("a.toml", "".join(f"key{n} = {n}\n" for n in range(3000))),
        ("a.css", "".join(f".icon-{n} {{ content: 'x' }}\n" for n in range(3000))),
        ("a.md", "".join(f"# Release {n}\n" for n in range(3000))),
        ("a.html", "".join(f"<p id='p{n}'>\n" for n in range(3000))),
    ],
)
def test_the_outline_of_many_equal_things_is_short(path: str, text: str) -> None:
    """A table of icons or translations is not worth its tokens; the first keys show what it is."""
    start = time.process_time()
    shown = outline(text, structure(text, language_of(path)))
    assert time.process_time() - start < 5
    assert shown.split("\n")[:-1][-1].strip() == "…"
    assert len(shown) < len(text) / 20


def test_what_is_only_data_is_not_looked_at() -> None:
    """Keys below the second level, and keys within lists, are values."""
    text = '{"rows": [{"a": 1}], "deep": {"under": {"below": {"bottom": 1}}}}\n'
    names = [definition.qualified for definition in structure(text, BY_NAME["json"]).definitions]
    expected = ["rows", "deep", "deep.under"]
    assert expected == names
    assert structure('[{"a": {"b": 1}}]\n', BY_NAME["json"]).definitions == ()


def in_bounds(text: str, found: Structure) -> bool:
    last = text.count("\n") + 1
    starts = [definition.start_line for definition in found.definitions]
    return (
        starts == sorted(starts)
        and all(1 <= d.start_line <= d.end_line <= last for d in found.definitions)
        and all(1 <= line <= last for reference in found.references for line in reference.lines)
        and all(list(r.lines) == sorted(set(r.lines)) for r in found.references)
        and all("\n" not in d.signature + d.name + d.doc and d.name for d in found.definitions)
    )


def check(text: str, language: Language) -> None:
    found = structure(text, language)
    assert in_bounds(text, found)
    assert found == structure(text, replace(language))
    shown = outline(text, found)
    assert len(shown) <= len(text) + 1
    assert shown == "" or shown.endswith("\n")


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=200), language=st.sampled_from(LANGUAGES))
def test_any_text_has_a_structure_within_its_lines(text: str, language: Language) -> None:
    """Whatever is in a file, reading it does not raise and the lines exist."""
    check(text, language)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_source_has_a_structure_within_its_lines(data: st.DataObject) -> None:
    """Half-typed code is what an editor sends all day."""
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 300)))
    inserted = data.draw(
        st.sampled_from(["", "{", "}", "(", '"', "'", "/*", "\n", "class ", "é\r\n", "\x00", "\ud800"])
    )
    language = language_of(name)
    assert language is not None
    check(text[:start] + inserted + text[end:], language)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_source_cut_anywhere_keeps_what_was_complete(data: st.DataObject) -> None:
    """Definitions that end before the cut stay where they were in Python, where nothing has to be closed."""
    text = TEXTS["limiter.py"]
    lines = text.split("\n")
    cut = data.draw(st.integers(40, len(lines)))
    whole = structure(text, BY_NAME["python"]).definitions
    found = structure("\n".join(lines[:cut]) + "\n", BY_NAME["python"]).definitions
    ended = {definition.qualified for definition in whole if definition.end_line < cut - 1 and not definition.parent}
    assert ended <= {definition.qualified for definition in found}
