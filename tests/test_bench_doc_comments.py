"""What the description benchmark takes for a description."""

from pathlib import Path

from tests.bench.doc_comments import Described, description, take

GO = """package depot

// Close shuts the gate and sends the last parcels away. It may wait.
func Close(gate Gate) {
\tgate.Shut()
}
"""
PYTHON = '''def weigh(letter):
    """Put a letter on the scale and read it.

    More of it.
    """
    return letter.grams
'''


def test_documentation_is_taken_out_and_asks_for_its_function(tmp_path: Path) -> None:
    """The first sentence, without the name; lines stay where they were."""
    (tmp_path / "depot.go").write_text(GO, "utf-8")
    (tmp_path / "scale.py").write_text(PYTHON, "utf-8")
    expected = [
        Described("shuts the gate and sends the last parcels away.", "depot.go", "Close", 4, 6),
        Described("Put a letter on the scale and read it.", "scale.py", "weigh", 1, 6),
    ]
    assert expected == take(tmp_path)
    assert "parcels" not in (tmp_path / "depot.go").read_text("utf-8")
    assert (tmp_path / "scale.py").read_text("utf-8").split("\n")[5] == "    return letter.grams"


def test_tags_and_licences_describe_nothing() -> None:
    """Neither parameters nor headings nor legal text."""
    assert description(
        ["depot_close:", "@gate: what to shut", "", "Shuts the gate in the evening."], "depot_close"
    ) == ("Shuts the gate in the evening.")
    assert description(["Licensed under the terms of a licence"], "f") == ""
    assert description(["Too short."], "f") == ""
