"""Texts that once held up, flooded or killed the parser: each is cut off, with the reason, and never changes that.

Found by mutating the fixtures; what could end the process runs in one of its own.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.repo.brackets import MOST_OPEN, is_unclosed
from copilot.repo.content import read_content
from copilot.repo.index import Index
from copilot.repo.languages import LANGUAGES
from copilot.repo.rank import rank
from copilot.repo.tags import structure
from copilot.repo.walk import walk

BY_NAME = {language.name: language for language in LANGUAGES}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "languages"

STRUCTURE = """
import resource, sys
from copilot.repo.languages import LANGUAGES
from copilot.repo.tags import structure

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
language = next(language for language in LANGUAGES if language.name == sys.argv[1])
print(structure(sys.stdin.buffer.read().decode(), language).error)
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("yaml", "? " * 300, id="yaml: the scanner's buffer overflowed"),
        pytest.param("yaml", "- " * 1000, id="yaml: on one line"),
        pytest.param("yaml", "".join(" " * n + "k:\n" for n in range(300)), id="yaml: line by line"),
        pytest.param("yaml", " " * 120 + "- " * 120, id="yaml: half by indentation"),
        pytest.param("cpp", "--[[|+2\n" * 37_500, id="cpp: 50 GB at the end of the file"),
        pytest.param("csharp", "<a\n" * 10_000, id="csharp: gigabytes of generics"),
        pytest.param("java", "/*EOF\n" * 50_000, id="java: each comment ran to the end, 7 GB"),
        pytest.param("javascript", "/*---\n" * 10_000, id="javascript: each comment ran to the end"),
        pytest.param("kotlin", "<<EOF\n\n" * 40_000, id="kotlin: 3 GB"),
        pytest.param("lua", "\U0001f600<<~A\n" * 10_000, id="lua: 3 GB"),
        pytest.param("yaml", "\r\n---\n" * 40_000, id="yaml: documents in quadratic time"),
        pytest.param("html", "<x>\n" * 50_000, id="html: open tags in quadratic time"),
    ],
)
def test_what_once_killed_the_reader_is_cut_off(name: str, text: str) -> None:
    """Within a gigabyte and a few seconds there is a reason instead of a structure."""
    ran = subprocess.run(
        [sys.executable, "-c", STRUCTURE, name], input=text.encode(), capture_output=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.endswith(b": no structure\n")


MEMORY = """
import os, sys
from pathlib import Path
from copilot.repo.languages import language_of
from copilot.repo.tags import structure

text = Path(sys.argv[1]).read_text() * 20

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

grown = []
for _ in range(6):
    before = pages()
    for _ in range(15):
        structure(text, language_of(sys.argv[1]))
    grown.append((pages() - before) * os.sysconf("SC_PAGE_SIZE") // (15 * len(text) // 100))
print(min(grown))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_parsed_text_is_let_go_of() -> None:
    """Memory does not grow with all that was ever parsed: an allocator grows now and then, a leak in every round."""
    path = FIXTURES / "python" / "limiter.py"
    ran = subprocess.run([sys.executable, "-c", MEMORY, path], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 20, "per cent of the bytes that were parsed"


def test_why_a_file_has_no_structure_is_told(tmp_path: Path) -> None:
    """The reason reaches the account of the pack."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "deep.py").write_text("(\n" * 5000)
    with Index(tmp_path / "index.db", tmp_path / "tree") as index:
        index.refresh(walk(tmp_path / "tree"))
        (ranked,) = rank(index)
    assert "brackets nested too deeply: no structure" in ranked.reasons


def test_brackets_are_counted_as_they_nest() -> None:
    """Balanced ones do not add up, however many; open ones do, of all kinds together."""
    assert not is_unclosed(b"f(a[1]){}\n" * 50_000)
    assert not is_unclosed(b"(" * MOST_OPEN + b")" * MOST_OPEN)
    assert is_unclosed(b"([{" * (MOST_OPEN // 3 + 1) + b"x" + b"}])" * (MOST_OPEN // 3 + 1))
    assert not is_unclosed(b"for (i = 0; i < n; i++) {}\nx << 3; y <= 4;\n" * 5000)
    assert is_unclosed(b"a<\n" * 500)


def mutated(text: str, cuts: list[tuple[int, int, str]]) -> str:
    """Put pieces into a text and take others out; places are taken modulo its length."""
    for place, length, piece in cuts:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + length :]
    return text


PIECES = st.sampled_from(
    [*"()[]{}<>\"'`\\#;:@$%&|*?!-\n\t\0", '"""', "/*", "*/", "//", "<<EOF\n", "${", "=>", "::", "<!--", "r#\"", "--[[",
     "\ufeff", "\U0001f600", "\u2028", "- " * 40, "(" * 60, "<a>" * 30, "if " * 30, "\r\n" * 20]
)  # fmt: skip
CUTS = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 60), PIECES), max_size=12)


@pytest.mark.parametrize("name", sorted(BY_NAME))
@settings(max_examples=25, deadline=None)
@given(cuts=CUTS)
def test_broken_sources_are_read_without_raising(name: str, cuts: list[tuple[int, int, str]]) -> None:
    """Whatever is done to a good text, its lines stay within it and reading takes no time to speak of."""
    source = next(path for path in sorted((FIXTURES / name).iterdir()) if path.suffix not in (".tags", ".outline"))
    text = mutated(source.read_text(), cuts)
    start = time.process_time()
    content = read_content(source.name, text.encode(), False)
    last = text.count("\n") + 1
    assert all(1 <= d.start_line <= d.end_line <= last for d in content.structure.definitions)
    assert structure(content.text, BY_NAME[name]) == content.structure or content.marks == "minified"
    assert time.process_time() - start < 10


def test_a_megabyte_on_one_line_is_read_at_once() -> None:
    """No language makes more of it than a mark or a reason."""
    start = time.process_time()
    for language in LANGUAGES:
        content = read_content("a" + language.extensions[0], b"a=[1,2,{b:'c'}];" * 65_000, False)
        assert content.marks == "minified" and content.structure.definitions == ()
    assert time.process_time() - start < 10
