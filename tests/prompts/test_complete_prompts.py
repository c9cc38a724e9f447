"""How a gap is written for a model: with its tokens, or as a question."""

from copilot.prompts.chat import ChatML, Control, Gemma4, literal
from copilot.prompts.complete import MARKER, FimFormat, Snippet, Surroundings, asked_gap

AROUND = Surroundings("kv", "src/a.py", "x = ", "\ny = 2\n", (Snippet("src/b.py", "z = 3"),))
PREFIX, SUFFIX, MIDDLE = Control("<P>"), Control("<S>"), Control("<M>")


def written(fim: FimFormat, around: Surroundings = AROUND) -> str:
    gap = fim.gap(around)
    return literal((*gap.before, *gap.hole, *gap.after, *gap.gap))


def test_files_stand_before_the_gap() -> None:
    """The repository's name, other files, this file's path, prefix, suffix, middle."""
    whole = FimFormat(PREFIX, SUFFIX, MIDDLE, Control("<R>"), Control("<F>"))
    assert written(whole) == "<R>kv\n<F>src/b.py\nz = 3\n<F>src/a.py\n<P>x = <S>\ny = 2\n<M>"


def test_without_file_tokens_other_files_are_part_of_the_prefix() -> None:
    """Their paths are comments."""
    assert written(FimFormat(PREFIX, SUFFIX, MIDDLE)) == "<P># src/b.py\nz = 3\nx = <S>\ny = 2\n<M>"


def test_text_stays_text() -> None:
    """What looks like a marker in a document is no control token."""
    gap = FimFormat(PREFIX, SUFFIX, MIDDLE).gap(Surroundings("kv", "a", "<M><S>", "<P>"))
    controls = [part for part in (*gap.before, *gap.hole, *gap.after, *gap.gap) if isinstance(part, Control)]
    assert controls == [PREFIX, SUFFIX, MIDDLE]


def test_a_question_shows_the_document_with_a_marker_and_begins_the_answer() -> None:
    """The cursor stands between the parts, so that typing changes little."""
    for chat in (ChatML(), Gemma4(empty_thought=True)):
        gap = asked_gap(chat, AROUND)
        assert gap.hole == (MARKER,)
        assert literal(gap.before).endswith("`src/a.py`\n```\nx = ")
        assert literal(gap.after) == "\ny = 2\n"
        assert literal(gap.gap).endswith("```\nx = ")
        assert gap.stop == ("\n```",)


def test_a_document_with_fences_gets_longer_ones() -> None:
    """Its own do not end it."""
    gap = asked_gap(ChatML(), Surroundings("kv", "README.md", "```sh\n", "\n```\n"))
    assert literal(gap.gap).endswith("````\n") and "````\n```sh\n" in literal(gap.before)
