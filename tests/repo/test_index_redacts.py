"""Secrets stay out of all that an index keeps and serves, unless their file is allowed."""

import random
import string
from collections.abc import Sequence
from pathlib import Path

import pytest

from copilot.errors import RepositoryError
from copilot.repo.index import Index, Redaction
from copilot.repo.pack import Pack, PackRequest, pack
from copilot.repo.search import search
from copilot.repo.walk import walk
from copilot.tasks.repository import Repository


def drawn(length: int) -> str:
    """A random value with letters and a digit."""
    chance = random.Random(length)
    return "a7" + "".join(chance.choice(string.ascii_letters + string.digits) for _ in range(length - 2))


TOKEN = "ghp_" + drawn(36)
PASSWORD = drawn(24)
SECRETS = (TOKEN, PASSWORD)
TREE = {
    "app/client.py": f'"""Calls the forge."""\n\nFORGE_TOKEN = "{TOKEN}"\n\n\ndef call_forge(path):\n    return path\n',
    "app/copy.py": f'"""Calls the forge."""\n\nFORGE_TOKEN = "{TOKEN}"\n\n\ndef call_forge(path):\n    return path\n',
    "deploy.yaml": f"database:\n  user: app\n  password: {PASSWORD}\n",
    "README.md": "# Forge\n\nCalls the forge.\n",
}
LEFT_OUT = (
    Redaction("app/client.py", 3, "GitHub token"),
    Redaction("app/copy.py", 3, "GitHub token"),
    Redaction("deploy.yaml", 3, "password or key"),
)


class Words:
    """Counts words and newlines."""

    name = "words"

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) + text.count("\n") for text in texts]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree with secrets in it."""
    root = tmp_path / "tree"
    for path, text in TREE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root


def opened(database: Path, root: Path, *allowed: str) -> Index:
    """An index that is up to date."""
    index = Index(database, root, frozenset(allowed))
    index.refresh(walk(root))
    return index


def packed(index: Index) -> Pack:
    """All of it."""
    return pack(index, PackRequest(5000), Words())


def served(index: Index) -> str:
    """Every text an index gives, as one."""
    files = index.files
    texts = [index.text(file) for file in files]
    outlines = index.outlines(files)
    return repr([texts, outlines, index.definitions(files), [index.structure(file) for file in files], packed(index)])


def test_no_secret_is_served_or_kept(root: Path, tmp_path: Path) -> None:
    """Not in a text, an outline, a definition, a pack, a search, nor anywhere in the database's bytes."""
    with opened(tmp_path / "index.db", root) as index:
        given = served(index)
        assert [secret for secret in SECRETS if secret in given] == []
        assert search(index, TOKEN) == search(index, PASSWORD) == []
        assert search(index, "forge token")[0].path.startswith("app/")
        kept = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("index.db*")))
        assert [secret for secret in SECRETS if secret.lower().encode() in kept.lower()] == []


def test_what_is_left_out_is_told(root: Path, tmp_path: Path) -> None:
    """By path, line and kind: in the index, the pack and its JSON; never by value."""
    with opened(tmp_path / "index.db", root) as index:
        made = packed(index)
        assert index.redactions == LEFT_OUT
        assert made.redactions == LEFT_OUT
        rows = made.to_json()["redactions"]
        assert rows == [{"path": left.path, "line": left.line, "kind": left.kind} for left in LEFT_OUT]


def test_the_text_keeps_its_lines(root: Path, tmp_path: Path) -> None:
    """So that citations of a redacted file are true."""
    with opened(tmp_path / "index.db", root) as index:
        texts = {file.path: index.text(file) for file in index.files}
        assert texts["deploy.yaml"] == "database:\n  user: app\n  password: [redacted:medium]\n"
        assert {path: text.count("\n") for path, text in texts.items()} == {
            path: text.count("\n") for path, text in TREE.items()
        }


def test_an_allowed_path_keeps_its_secrets_and_no_other_does(root: Path, tmp_path: Path) -> None:
    """Also when another file has the very same bytes."""
    with opened(tmp_path / "index.db", root, "app/client.py") as index:
        texts = {file.path: index.text(file) for file in index.files}
        assert texts["app/client.py"] == TREE["app/client.py"]
        assert TOKEN not in texts["app/copy.py"]
        assert index.redactions == LEFT_OUT[1:]
        assert packed(index).text.count(TOKEN) == 1
        assert {hit.path for hit in search(index, TOKEN)} == {"app/client.py"}


def test_allowing_and_forbidding_again_says_what_a_new_index_says(root: Path, tmp_path: Path) -> None:
    """Nothing that was allowed once stays behind."""
    database = tmp_path / "index.db"
    with opened(database, root) as index:
        before = (served(index), index.digest)
    with opened(database, root, "app/client.py", "deploy.yaml") as index:
        assert PASSWORD in served(index)
        assert index.digest != before[1]
    with opened(database, root) as index:
        assert (served(index), index.digest) == before
        assert search(index, TOKEN) == search(index, PASSWORD) == []


def test_an_index_made_with_other_secrets_allowed_is_not_served(root: Path, tmp_path: Path) -> None:
    """Two commands at the same time cannot show each other's secrets."""
    database = tmp_path / "index.db"
    with Index(database, root) as other, opened(database, root, "deploy.yaml"):
        with pytest.raises(RepositoryError, match="run the command again"):
            _ = other.files
        other.refresh(walk(root))
        assert other.redactions == LEFT_OUT


def test_an_edit_takes_a_secret_in_and_out(root: Path, tmp_path: Path) -> None:
    """The account follows the files."""
    database = tmp_path / "index.db"
    with opened(database, root) as index:
        (root / "deploy.yaml").write_text("database:\n  user: app\n", "utf-8")
        (root / "README.md").write_text(f"# Forge\n\nUse {TOKEN} to call.\n", "utf-8")
        index.refresh(walk(root))
        assert index.redactions == (Redaction("README.md", 3, "GitHub token"), *LEFT_OUT[:2])


def test_a_repository_quotes_lines_without_secrets(root: Path, tmp_path: Path) -> None:
    """What the tasks put into prompts comes from here."""
    with Repository.open(root, tmp_path / "cache") as repository:
        assert repository.lines("deploy.yaml") == ("database:", "  user: app", "  password: [redacted:medium]")
    with Repository.open(root, tmp_path / "cache", allowed=frozenset({"deploy.yaml"})) as repository:
        assert repository.lines("deploy.yaml") == ("database:", "  user: app", f"  password: {PASSWORD}")
