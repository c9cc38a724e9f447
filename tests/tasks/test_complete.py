"""Completing with a scripted session: what the model is given, what is offered, what serves again."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel, Event
from copilot.engine.requests import InfillRequest, Priority
from copilot.events import Done, Usage
from copilot.repo.index import Index
from copilot.tasks.complete import Completer, Cursor
from copilot.tasks.complete import completer as module
from copilot.tasks.complete.context import RepositoryContext
from copilot.tasks.complete.corpus import Corpus
from copilot.tasks.complete.model import CompletionModel
from copilot.tasks.repository import Repository
from copilot.testing import ScriptedSession, Shape, make_repo

FILES = {
    "src/store.py": (
        "class ValueStore:\n    def load_snapshot(self, key: str) -> bytes:\n        return b''\n\n\n"
        "def open_store(path):\n    return ValueStore()\n"
    ),
    "src/use.py": "def show(store):\n    data = store.load_snapshot('first')\n    print(data)\n    return data\n",
    "src/app.py": "def main(store):\n    value = 1\n    return value\n",
    "notes.md": "# Notes\n",
    ".env": "TOKEN=SECRETVALUE\n",
}
TEXT = FILES["src/app.py"]


@pytest.fixture
def app(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> App:
    return App(Settings(model=str(tiny_model("qwen2")), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models"))


@pytest.fixture
def repository(app: App, tmp_path: Path) -> Iterator[Repository]:
    with app.repository(make_repo(tmp_path / "project", FILES)) as repository:
        yield repository


@pytest.fixture
def session() -> ScriptedSession:
    return ScriptedSession()


@pytest.fixture
def completer(app: App, repository: Repository, session: ScriptedSession) -> Iterator[Completer]:
    completer = app.completer(repository, app.completion_model(), session, ahead=False)
    yield completer
    completer.close()


def at(marked: str, path: str = "src/app.py", **how: bool) -> Cursor:
    """The cursor where `|` stands."""
    return Cursor(path, marked.replace("|", ""), marked.index("|"), **how)


def shown(app: App, request: InfillRequest) -> str:
    """The text of a prompt, control tokens by their names."""
    return (
        app.completion_model()
        .tokenizer.decode([*request.before, *request.hole, *request.after, *request.gap])
        .decode("utf-8", "replace")
    )


def test_the_model_sees_files_and_then_the_gap(app: App, completer: Completer, session: ScriptedSession) -> None:
    """Repository-level order: the repository's name, other files, this file, prefix, suffix, middle."""
    session.enqueue("load_snapshot('x')")
    suggestion = completer.complete(at("def main(store):\n    value = store.|\n    return value\n"), Cancel())
    assert suggestion.text == "load_snapshot('x')"
    prompt = shown(app, session.infill_requests[0])
    assert prompt.startswith("<|repo_name|>project\n<|file_sep|>")
    assert prompt.endswith(
        "<|file_sep|>src/app.py\n<|fim_prefix|>def main(store):\n    value = store."
        "<|fim_suffix|>\n    return value\n<|fim_middle|>"
    )


def test_how_a_name_is_used_elsewhere_is_shown(app: App, completer: Completer, session: ScriptedSession) -> None:
    """A member that stands nowhere in this file is in front of the model before it is written."""
    completer.complete(at("def main(store):\n    value = store.|\n    return value\n"), Cancel())
    prompt = shown(app, session.infill_requests[0])
    assert "def load_snapshot(self, key: str) -> bytes" in prompt
    assert "data = store.load_snapshot('first')" in prompt


def test_context_stays_while_one_types(completer: Completer, session: ScriptedSession) -> None:
    """From keystroke to keystroke the prompt only grows at the cursor."""
    line = "    value = store.load"
    for length in range(8, len(line)):
        completer.complete(at(f"def main(store):\n{line[:length]}|\n    return value\n"), Cancel())
    first, *later = [request.before for request in session.infill_requests]
    for before in later:
        common = next((n for n, pair in enumerate(zip(first, before, strict=False)) if pair[0] != pair[1]), len(first))
        assert common >= len(first) - 4


def test_text_of_a_repository_is_never_control(app: App, completer: Completer, session: ScriptedSession) -> None:
    """Markers in a document are plain text to the model."""
    completer.complete(at("x = '<|fim_middle|><|file_sep|>'\n|\ny = '<|fim_suffix|>'\n"), Cancel())
    [request] = session.infill_requests
    model = app.completion_model()
    middle, suffix = model.tokenizer.control("<|fim_middle|>"), model.tokenizer.control("<|fim_suffix|>")
    assert middle not in request.before and suffix not in request.after
    assert (tuple(request.hole), tuple(request.gap)) == ((suffix,), (middle,))


def test_a_result_serves_as_long_as_one_types_along(completer: Completer, session: ScriptedSession) -> None:
    """The model is asked once, and again where the user goes another way."""
    session.enqueue("compute_all(first)", "other")
    assert completer.complete(at("x = |\n"), Cancel()).text == "compute_all(first)"
    served = completer.complete(at("x = compu|\n"), Cancel())
    assert (served.text, served.usage) == ("te_all(first)", Usage())
    assert completer.complete(at("x = com.|\n"), Cancel()).text == "other"
    assert len(session.infill_requests) == 2


def test_what_is_unlikely_is_shown_by_hand_only(app: App, repository: Repository) -> None:
    """While typing, a text that the model is not sure of is kept back with its reason."""
    session = ScriptedSession(answer=lambda request: "guess work", logprob=-3.0)
    completer = app.completer(repository, app.completion_model(), session, ahead=False)
    automatic = completer.complete(at("x = |\n"), Cancel())
    assert (automatic.text, automatic.reason) == ("", "low-confidence")
    assert automatic.confidence == pytest.approx(math.exp(-3.0))
    by_hand = completer.complete(at("x = |\n", automatic=False), Cancel())
    assert (by_hand.text, by_hand.reason) == ("guess work", None)


@pytest.mark.parametrize("path", [".env", "deploy/id_rsa", "config/secrets.yaml"])
def test_files_with_secrets_are_not_completed(completer: Completer, session: ScriptedSession, path: str) -> None:
    """Nothing of them reaches the model."""
    suggestion = completer.complete(at("TOKEN=|", path), Cancel())
    assert (suggestion.text, suggestion.reason) == ("", "secret-file")
    assert not session.infill_requests


def test_edits_of_secret_files_are_not_shown(app: App, completer: Completer, session: ScriptedSession) -> None:
    """Edits elsewhere are shown, those of files with secrets are not."""
    completer.edited(".env", "A=1\n", "A=SECRETVALUE\n")
    completer.edited("src/store.py", FILES["src/store.py"], FILES["src/store.py"] + "EDITED_LATELY = 1\n")
    completer.complete(at("x = |\n"), Cancel())
    prompt = shown(app, session.infill_requests[0])
    assert "EDITED_LATELY" in prompt and "SECRETVALUE" not in prompt


def test_a_cancelled_request_says_so(completer: Completer, session: ScriptedSession) -> None:
    """It is answered, and nothing is kept of it."""
    cancel = Cancel()
    cancel.set()
    session.enqueue("never seen", "seen")
    suggestion = completer.complete(at("x = |\n"), cancel)
    assert (suggestion.text, suggestion.reason) == ("", "cancelled")
    assert completer.complete(at("x = |\n"), Cancel()).text == "seen"


def test_a_finished_request_serves_those_that_came_after(app: App, repository: Repository) -> None:
    """Who typed along while the first request ran gets its result, without waiting for an own one."""
    asked_again = threading.Event()

    class Session(ScriptedSession):
        """The first request ends when the second has begun, which waits for being cancelled."""

        def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
            if self.infill_requests:
                self.infill_requests.append(request)
                cancelled = threading.Event()
                cancel.when_set(cancelled.set)
                asked_again.set()
                assert cancelled.wait(10)
                yield Done("cancelled", Usage())
                return
            events = list(super().infill(request, cancel))
            later.start()
            assert asked_again.wait(10)
            yield from events

    session = Session()
    session.enqueue("compute_all(first)")
    completer = app.completer(repository, app.completion_model(), session, ahead=False)
    found: list[str] = []
    later = threading.Thread(
        target=lambda: found.append(completer.complete(at("x = compu|\n"), Cancel()).text), daemon=True
    )
    assert completer.complete(at("x = |\n"), Cancel()).text == "compute_all(first)"
    later.join(10)
    assert found == ["te_all(first)"]


def test_the_next_completion_is_prepared_while_nobody_asks(
    app: App, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the suggestion had been accepted, at the lowest priority."""
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    prepared = threading.Event()

    class Session(ScriptedSession):
        def infill(self, request, cancel):  # type: ignore[no-untyped-def]
            yield from super().infill(request, cancel)
            if len(self.infill_requests) == 2:
                prepared.set()

    session = Session()
    session.enqueue("first_part", "\nsecond_part")
    completer = app.completer(repository, app.completion_model(), session)
    assert completer.complete(at("x = |\n"), Cancel()).text == "first_part"
    assert prepared.wait(10)
    ahead = session.infill_requests[1]
    assert (ahead.priority, ahead.exact) == (Priority.WARM, False)
    served = completer.complete(at("x = first_part|\n"), Cancel())
    completer.close()
    assert served.text == "\nsecond_part" and served.usage == Usage()


def test_without_a_suggestion_the_place_is_read_in_full_while_nobody_asks(
    app: App, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was moved is read again, which the next keystroke gains from; nothing is written. It ends by itself."""
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    monkeypatch.setattr(module, "AHEAD_S", 0.05)
    ended = threading.Event()

    class Session(ScriptedSession):
        def infill(self, request, cancel):  # type: ignore[no-untyped-def]
            if request.exact:
                cancel.when_set(ended.set)
                assert ended.wait(10)
            yield from super().infill(request, cancel)

    session = Session()
    session.enqueue("")
    completer = app.completer(repository, app.completion_model(), session)
    assert completer.complete(at("x = |\n"), Cancel()).text == ""
    assert ended.wait(10)
    completer.close()


def test_a_small_context_does_without_the_repository(
    app: App, repository: Repository, session: ScriptedSession
) -> None:
    """The lines around the cursor matter most."""
    model = replace(app.completion_model(), n_ctx=150)
    cursor = at("def main(store):\n    value = store.|\n    return value\n")
    app.completer(repository, model, session, ahead=False).complete(cursor, Cancel())
    assert "load_snapshot" not in shown(app, session.infill_requests[0])


def test_code_is_loaded_beside_the_first_keystrokes(
    app: App, repository: Repository, session: ScriptedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is there, completions do without, and do not wait."""
    go_on = threading.Event()
    of = Corpus.of

    def slowly(index: Index) -> Corpus:
        assert go_on.wait(10)
        return of(index)

    monkeypatch.setattr(Corpus, "of", slowly)
    context = RepositoryContext(repository, in_background=True)
    place = ("src/app.py", "def main(store):\n    value = store.", "\n")
    assert context.snippets(*place) == ()
    go_on.set()
    deadline = time.monotonic() + 10
    while not (found := context.snippets(*place)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert any("load_snapshot" in snippet.text for snippet in found)


def test_a_span_can_be_written_anew(app: App, completer: Completer, session: ScriptedSession) -> None:
    """The model does not see the text between the cursor and the end, and accepting replaces it."""
    text = "x = OLD_VALUE\ny = 2\n"
    session.enqueue("new_value")
    suggestion = completer.complete(Cursor("src/app.py", text, 4, 13), Cancel())
    assert (suggestion.text, suggestion.replace_end) == ("new_value", 13)
    assert "OLD_VALUE" not in shown(app, session.infill_requests[0])


def test_a_bracket_the_text_closes_itself_is_replaced(completer: Completer, session: ScriptedSession) -> None:
    """The end of what accepting replaces lies behind the bracket."""
    session.enqueue("width, height):")
    suggestion = completer.complete(at("def area(|)\n"), Cancel())
    assert (suggestion.text, suggestion.replace_end) == ("width, height):", len("def area()"))


def test_a_document_without_a_file_is_completed(completer: Completer, session: ScriptedSession) -> None:
    """A buffer that was never saved has no context, and is completed all the same."""
    session.enqueue("value")
    assert completer.complete(at("x = |", ""), Cancel()).text == "value"


def test_gemma_is_asked_for_the_gap(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> None:
    """A model without tokens for it is asked, its answer begun with the line as it is."""
    app = App(Settings(model=str(tiny_model("gemma4-e2b")), cache_dir=tmp_path / "cache"))
    session = ScriptedSession()
    session.enqueue("width * height\n```")
    with app.repository(make_repo(tmp_path / "project", FILES)) as repository:
        completer = app.completer(repository, app.completion_model(), session, ahead=False)
        suggestion = completer.complete(at("def area(width, height):\n    return |\n"), Cancel())
    assert suggestion.text == "width * height"
    prompt = shown(app, session.infill_requests[0])
    assert "    return <CURSOR>\n" in prompt
    assert prompt.endswith("```\n    return ")
    assert "\n```" in session.infill_requests[0].sampling.stop


def test_a_model_that_cannot_complete_is_told(app: App, repository: Repository, session: ScriptedSession) -> None:
    """There is a reason instead of an error."""
    model = app.completion_model()
    without = CompletionModel(model.card, model.tokenizer, model.n_ctx, None, None)
    suggestion = app.completer(repository, without, session, ahead=False).complete(at("x = |\n"), Cancel())
    assert (suggestion.text, suggestion.reason) == ("", "no-fim-model")


def test_the_model_for_completion_is_a_setting(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> None:
    """Without it the chat model completes."""
    chat, own = str(tiny_model("gemma4-e2b")), str(tiny_model("qwen2"))
    settings = Settings(model=chat, completion_model=own, cache_dir=tmp_path / "cache")
    assert App(settings).completion_model().card.path == Path(own)
    assert App(Settings(model=chat, cache_dir=tmp_path / "cache")).completion_model().card.path == Path(chat)


def test_accepting_is_counted_in_a_file_of_this_machine(
    app: App, completer: Completer, session: ScriptedSession
) -> None:
    """Counts only: no code, no path."""
    session.enqueue("compute_all(first)")
    suggestion = completer.complete(at("x = |\n"), Cancel())
    completer.accepted(suggestion)
    kept = (app.settings.cache_dir / "completion" / "statistics.json").read_text()
    assert '"accepted"' in kept and "compute" not in kept and "app.py" not in kept
