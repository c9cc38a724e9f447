"""Settings from a client's JSON: what is right is taken, what is wrong is said and costs itself only."""

from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp.settings import ClientSettings, merged, settings_from

KEYS = st.sampled_from(["completion", "review", "ask", "mode", "debounceMs", "run", "model", "enabled", "x", "copilot"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=6,
)


def test_nothing_given_is_all_defaults() -> None:
    """No options are no mistake."""
    assert settings_from(None) == settings_from({}) == (ClientSettings(), ())


def test_an_empty_list_is_an_object_without_options() -> None:
    """Lua has one empty table for both: it is no mistake, and it takes nothing away that stands below it."""
    assert (
        settings_from([]) == settings_from({"copilot": []}) == settings_from({"review": []}) == (ClientSettings(), ())
    )
    base = {"model": "a", "completion": {"debounceMs": 5, "languages": ["c"]}}
    assert merged(base, []) == base
    assert merged([], base) == base
    assert settings_from(merged(base, {"completion": []})) == settings_from(base)
    emptied, wrong = settings_from(merged(base, {"completion": {"languages": []}}))
    assert (emptied.completion.debounce_ms, emptied.completion.languages, wrong) == (5, (), ())


def test_options_come_in_both_spellings_and_in_a_section() -> None:
    """camelCase, snake_case, and the section of the configuration."""
    flat, _ = settings_from({"maxAnswerTokens": 5, "completion": {"debounce_ms": 70}})
    section, _ = settings_from({"copilot": {"max_answer_tokens": 5, "completion": {"debounceMs": 70}}})
    assert flat == section
    assert (flat.max_answer_tokens, flat.completion.debounce_ms) == (5, 70)
    assert flat.flags == {"max_answer_tokens": 5}


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"completion": {"mode": "loud"}}, "copilot.completion.mode is 'loud'; it takes one of auto, inline, list"),
        ({"completion": ["x"]}, "copilot.completion takes an object with options, not ['x']"),
        ({"model": 5}, "copilot.model is 5; it takes a text or null"),
        ({"review": {"timeLimitS": True}}, "copilot.review.timeLimitS is True; it takes a number from 0"),
        ({"review": {"disabledRules": "x"}}, "copilot.review.disabledRules is 'x'; it takes a list of texts"),
        ({"completions": {}}, "copilot.completions is no option; did you mean copilot.completion?"),
        (7, "copilot takes an object with options, not 7"),
    ],
)
def test_wrong_option_is_said_and_left_at_its_default(given_: Any, said: str) -> None:
    """One line names the option, what it is and what it takes."""
    assert settings_from(given_) == (ClientSettings(), (said,))


def test_options_of_other_programs_are_none_of_ours() -> None:
    """What Copilot's clients send is passed over in silence."""
    given_ = {"editorInfo": {"name": "x"}, "editorPluginInfo": {}, "telemetry": {"telemetryLevel": "all"}, "http": None}
    assert settings_from(given_) == (ClientSettings(), ())


@hypothesis.settings(max_examples=40)
@given(JSON)
def test_no_json_breaks_the_settings(given_: Any) -> None:
    """Whatever a client sends, there are settings, and each mistake is one line."""
    settings, wrong = settings_from(given_)
    assert isinstance(settings, ClientSettings)
    assert all("\n" not in line for line in wrong)


def test_configuration_stands_above_the_options_one_by_one() -> None:
    """What the configuration leaves out, or has as null, stays as the options at the start had it."""
    base = {"model": "a", "completion": {"mode": "list", "debounceMs": 5}}
    over = {"copilot": {"model": None, "completion": {"debounce_ms": 7}, "ask": {"show": "none"}}}
    settings, wrong = settings_from(merged(base, over))
    assert wrong == ()
    assert (settings.model, settings.completion.mode, settings.completion.debounce_ms) == ("a", "list", 7)
    assert settings.ask.show == "none"
