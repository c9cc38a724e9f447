"""What the index keeps of texts that are no code: an outline, and nothing that other files could mean."""

import pytest

from copilot.repo.content import pack_defines, read_content
from copilot.repo.forms import tag_of
from copilot.repo.languages import has_bare_strings
from copilot.repo.roles import Role, role_of

TEXT = "# Tide\n\nA clock for tides.\n\n## Install\n\nCopy it.\n\n## Use\n\nLook at it.\n"


def test_a_markdown_file_is_outlined_by_its_headings() -> None:
    """Three or more of them; below that, the first lines say more."""
    assert read_content("docs/tide.md", TEXT.encode()).outline == "# Tide\n## Install\n## Use\n"
    assert read_content("docs/tide.md", b"# Tide\n\nA clock.\n").outline == ""


def test_a_readme_is_its_first_lines() -> None:
    """They say what the project is, which its headings do not."""
    assert read_content("README.md", TEXT.encode()).outline == TEXT


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("a.md", TEXT.encode()),
        ("a.json", b'{"connection_pool": {"max_size": 1}}\n'),
        ("a.yaml", b"connection_pool:\n  max_size: 1\n"),
        ("a.toml", b"[connection_pool]\nmax_size = 1\n"),
        ("a.html", b"<div id='connection_pool'></div>\n"),
        ("a.css", b".connection_pool { margin: 0 }\n"),
    ],
)
def test_places_are_no_names_that_other_files_use(path: str, raw: bytes) -> None:
    """A key called like a class must not draw rank to the file it is in."""
    content = read_content(path, raw)
    assert content.structure.definitions
    assert pack_defines(content.structure.definitions) == b""


def test_a_table_is_a_name_that_other_files_use() -> None:
    """SQL is code: its tables are what queries elsewhere mean."""
    content = read_content("schema.sql", b"CREATE TABLE boat_trips (\n  id INT\n);\n")
    assert pack_defines(content.structure.definitions) != b""
    assert role_of("schema.sql") == Role.SOURCE


@pytest.mark.parametrize(("path", "tag"), [("a.md", "md"), ("a.yml", "yml"), ("a.kt", "kotlin"), ("a.cs", "csharp")])
def test_a_fence_names_the_language_shortly(path: str, tag: str) -> None:
    """Code by its language, other text by its ending."""
    assert tag_of(path) == tag


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.yaml", True),
        (".env", True),
        ("a.md", True),
        ("a.sh", True),
        ("notes", True),
        ("a.py", False),
        ("a.sql", False),
    ],
)
def test_a_path_tells_whether_strings_need_quotes(path: str, expected: bool) -> None:
    """Where they need none, a secret may stand without them too: settings stay settings once they have a grammar."""
    assert has_bare_strings(path) == expected
