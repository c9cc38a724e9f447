"""Citations are checked against the files while the answer streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.tasks.citations import Citation, CitationCheck, code_names

APP = ["import os", "", "class Server:", "    def start_all(self):", "        pass"]


class Repository:
    """Four files, two of them with awkward names."""

    paths = ("src/app.py", "README", "app/[id]/page.tsx", "my dir/a file.py")

    def lines(self, path: str) -> list[str] | None:
        return {"src/app.py": APP, "README": ["hi"]}.get(path, ["one", "two"] if path in self.paths else None)


def checked(text: str, shown: tuple[Citation, ...] = (), size: int = 7) -> tuple[str, list[Citation]]:
    check = CitationCheck(Repository(), shown)
    out = "".join(check.decode(text[i : i + size]) for i in range(0, len(text), size)) + check.flush()
    return out, check.found


SHOWN = (Citation("src/app.py", 3, 5),)


@pytest.mark.parametrize(
    ("said", "shown_as", "found"),
    [
        ("See `src/app.py:3-5`.", "See `src/app.py:3-5`.", [(3, 5)]),
        ("In `src/app.py` (`app.py`): `src/app.py:3`.", "In `src/app.py` (`app.py`): `src/app.py:3`.", [(3, 3)]),
        ("See src/app.py:4, then", "See src/app.py:4, then", [(4, 4)]),
        ("See [src/app.py#L3-L4](x)", "See [src/app.py#L3-L4](x)", [(3, 4)]),
        ("See `./src/app.py:3`", "See `./src/app.py:3`", [(3, 3)]),
        ("lines gone `src/app.py:4-50`.", "lines gone `src/app.py`.", []),
        ("reversed `src/app.py:5-3`.", "reversed `src/app.py`.", []),
        ("in `src/app.py`, lines 3-5.", "in `src/app.py`, lines 3-5.", [(3, 5)]),
        ("`src/app.py` at lines 3 to 4 holds it", "`src/app.py` at lines 3 to 4 holds it", [(3, 4)]),
        ("`src/app.py` (line 3)", "`src/app.py` (line 3)", [(3, 3)]),
        ("`src/app.py` (lines 3 through 90).", "`src/app.py`.", []),
        ("`src/app.py` from line 3 to the end or so", "`src/app.py` from line 3 to the end or so", [(3, 3)]),
        ("it prints lines 3 to 9", "it prints lines 3 to 9", []),
        ("no file (`src/nope.py:3-5`).", "no file.", []),
        ("no file `lib/x.tsx:1` here", "no file here", []),
        ("it is at `path:6-7`.", "it is at.", []),
        ("see app/[id]/page.tsx:100-200 now", "see app/[id]/page.tsx now", []),
        ("see `my dir/a file.py:1-9` now", "see `my dir/a file.py` now", []),
        (
            "```py\nx = data[self.start:5] # src/app.py:9\n```\n",
            "```py\nx = data[self.start:5] # src/app.py:9\n```\n",
            [],
        ),
        ("x = data[self.start:5] and {cfg.port:8080}", "x = data[self.start:5] and {cfg.port:8080}", []),
        ("Run `curl example.com:8080` now", "Run `curl example.com:8080` now", []),
        ("`src/app.py:3-4`; add line 5 to your config", "`src/app.py:3-4`; add line 5 to your config", [(3, 4)]),
        ("at 12:30 on http://localhost:8080 and 10.0.0.1:80", "at 12:30 on http://localhost:8080 and 10.0.0.1:80", []),
    ],
)
def test_citations_pass_shrink_or_vanish(said: str, shown_as: str, found: list[tuple[int, int]]) -> None:
    """Right ones pass, wrong lines leave the path, wrong files leave nothing, other colons are not citations."""
    assert checked(said, SHOWN) == (shown_as, [Citation("src/app.py", *lines) for lines in found])


def test_lines_must_hold_a_name_the_sentence_speaks_of() -> None:
    """Lines that exist but hold nothing of what the sentence names keep the path only, shown or not."""
    assert checked("`start_all` is in src/app.py:4")[1] == [Citation("src/app.py", 4, 4)]
    assert checked("`start_all` is in src/app.py:3", SHOWN) == ("`start_all` is in src/app.py", [])
    assert checked("Not `start_all`. The class is in src/app.py:3", SHOWN)[1] == [Citation("src/app.py", 3, 3)]
    assert checked("the import is in src/app.py:1") == ("the import is in src/app.py", [])


@given(st.text() | st.text("lines 3to-( "), st.integers(1, 9))
def test_text_without_citations_passes_unchanged(text: str, size: int) -> None:
    """Whatever is no citation streams through as it is, however it is cut."""
    plain = text.replace(":", ";").replace("#", "_").replace("\0", "")
    plain += " on lines 3 to 5 of it "  # no file is named, so these are no citation either
    assert checked(plain, size=size)[0] == plain


def test_code_names_are_the_last_part_of_what_backticks_hold() -> None:
    """Calls and owners are stripped, order kept, repeats dropped."""
    text = "`src/a.py` and `b.ts`: `Server.start_all()` calls `os.environ` and `start_all`, not `a b`."
    assert code_names(text) == ["start_all", "environ"]
