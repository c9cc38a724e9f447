"""What ranks high but is too large: its beginning and its headings, never its name alone."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from copilot.repo.content import read_content
from copilot.repo.index import Index
from copilot.repo.pack import Pack, PackedFile, PackRequest, pack
from copilot.repo.walk import walk


class Quarters:
    """A counter by length alone."""

    name = "quarters"

    def count(self, texts: Sequence[str]) -> list[int]:
        return [-(-len(text) // 4) for text in texts]


def packed(tmp_path: Path, files: dict[str, str], budget: int) -> Pack:
    """Pack some files among modules that use each other."""
    root = tmp_path / "tree"
    modules = {
        f"src/m{n}.py": "".join(
            f"def f{n}_{k}(x):\n    return compute_f{(n + 1) % 30}_{k}(x)\n\ndef compute_f{n}_{k}(x):\n    return x\n"
            for k in range(6)
        )
        for n in range(30)
    }
    for path, text in (modules | files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        made = pack(index, PackRequest(budget), Quarters())
    assert made.tokens <= budget
    return made


def place(made: Pack, path: str) -> PackedFile:
    return next(file for file in made.files if file.path == path)


SECTIONS = "".join(f"## Topic {n}\n\n{'A sentence about it that goes on. ' * 40}\n\n" for n in range(60))
LINES = "# Parcels\n" + "\n".join("One paragraph in one line. " * 200 for _ in range(20))
RST = "=======\nParcels\n=======\n\nIntro.\n\n" + "".join(
    f"Topic {n}\n-------\n\n{'words ' * 90}\n\n" for n in range(90)
)


@pytest.mark.parametrize("budget", [600, 2000, 8000])
@pytest.mark.parametrize(
    ("path", "text"),
    [("README.md", f"# Parcels\n\nWeighs parcels.\n\n{SECTIONS}"), ("README.md", LINES), ("README.rst", RST)],
)
def test_a_large_readme_is_begun_once(tmp_path: Path, path: str, text: str, budget: int) -> None:
    """Its first words are there under every budget, in one place, and the account says why there is no more."""
    made = packed(tmp_path, {path: text}, budget)
    readme = place(made, path)
    assert readme.form == "outline"
    assert made.text.count(f"## {path}") == 1
    assert "Parcels" in made.text.partition(f"## {path}")[2][:60]
    assert "too large to be shown whole" in readme.reasons


def test_headings_follow_the_beginning_of_a_readme() -> None:
    """Its outline names the topics that its first lines do not reach."""
    shape = read_content("README.rst", RST.encode()).outline
    assert shape.startswith("=======\nParcels\n=======\n\nIntro.\n")
    assert "\n…\n## Topic 7\n## Topic 8\n" in shape


def test_a_large_guide_is_outlined(tmp_path: Path) -> None:
    """What ranks near the best is not left to its size."""
    made = packed(tmp_path, {"ARCHITECTURE.md": f"# Design\n\n{SECTIONS}"}, 4000)
    assert place(made, "ARCHITECTURE.md").form == "outline"
    assert "## Topic 3\n" in made.text


def test_what_only_machines_read_fills_no_budget(tmp_path: Path) -> None:
    """A minified file stays a name even where its beginning would be the last thing to say."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "a.js").write_text("x=[" + "1," * 40_000 + "]")
    (root / "b.py").write_text("def b():\n    return 1\n")
    with Index(tmp_path / "index.db", root) as index:
        index.refresh(walk(root))
        made = pack(index, PackRequest(2000), Quarters())
    assert place(made, "a.js").form == "path"
    assert "1,1,1" not in made.text
