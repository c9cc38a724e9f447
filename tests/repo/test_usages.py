"""Passages that resemble a place, and what stands behind a dot elsewhere."""

from copilot.repo.usages import LINES_ABOVE, LINES_BELOW, MOST_LINES_OF_A_NAME, Usages

FILLER = tuple(f"unrelated_{number} = other_{number}()" for number in range(40))
USE = ("def show(store):", "    data = store.load_snapshot('first')", "    print(data)")


def usages(**files: tuple[str, ...]) -> Usages:
    return Usages(sorted((f"{name}.py", lines) for name, lines in files.items()))


def test_the_passage_that_shares_the_rare_names_comes_first() -> None:
    """It is shown with the lines after it, which say how it goes on."""
    found = usages(a=FILLER, b=(*FILLER, *USE, *FILLER)).passages({"store": 3.0, "data": 1.0}, "c.py", 1000)
    assert found[0].path == "b.py"
    assert set(USE) <= set(found[0].lines)
    assert len(found[0].lines) <= LINES_ABOVE + 1 + LINES_BELOW


def test_the_own_file_is_left_out() -> None:
    """What stands there the model sees anyway."""
    assert not usages(b=USE).passages({"store": 3.0}, "b.py", 1000)


def test_lines_that_were_shown_are_not_shown_again() -> None:
    """Copies of a file take no room."""
    found = usages(a=(*FILLER, *USE), b=(*FILLER, *USE)).passages({"store": 3.0, "data": 1.0}, "c.py", 1000)
    assert sum(USE[1] in passage.lines for passage in found) == 1


def test_passages_keep_to_their_room() -> None:
    """The first that does not fit ends it."""
    places = usages(**{f"f{number}": (*FILLER, f"x_{number} = store.get_{number}()", "y = 1") for number in range(9)})
    found = places.passages({"store": 1.0}, "", 300)
    assert found and sum(len(passage.text) + 1 for passage in found) <= 300


def test_a_name_on_every_line_says_nothing() -> None:
    """It leads nowhere."""
    assert not usages(a=("value = 1",) * (MOST_LINES_OF_A_NAME + 1)).passages({"value": 1.0}, "", 1000)


def test_members_are_counted_behind_dots_and_calls() -> None:
    """Of other files only."""
    found = usages(
        a=("store.load(1)", "store.load(2)", "open().store.save()", "restore.other()"), b=("store.own()",)
    ).members("store", "b.py")
    assert found == {"load": 2, "save": 1}


def test_no_texts_have_no_usages() -> None:
    """An empty repository is one, too."""
    assert not usages().passages({"store": 1.0}, "", 100) and not usages().members("store", "")
