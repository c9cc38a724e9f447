"""The shared prefix: what is packed, when the map serves, and how edits ride behind what was read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel
from copilot.tasks.model import ChatModel
from copilot.tasks.prefix import Prefix, choose_prefix
from copilot.tasks.repository import Repository
from copilot.testing import ScriptedSession, Shape, make_repo, run_git

BUDGET = 16_000
FILES = {
    f"src/part{n}.py": "".join(f"def step_{n}_{i}(value):\n    return value * {i}\n\n\n" for i in range(12))
    for n in range(12)
}


@pytest.fixture
def app(tiny_model: Callable[[Shape], Path], tmp_path: Path) -> App:
    return App(Settings(model=str(tiny_model("qwen2")), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models"))


@pytest.fixture
def model(app: App) -> ChatModel:
    return app.chat_model()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "project", FILES)


@pytest.fixture
def session() -> ScriptedSession:
    return ScriptedSession()


Built = Callable[[], Prefix]


@pytest.fixture
def full(app: App, model: ChatModel, root: Path, session: ScriptedSession) -> Iterator[Built]:
    """Builds the full prefix of the repository as it is at that moment."""
    opened: list[Repository] = []

    def build() -> Prefix:
        opened.append(app.repository(root))
        return app.prefixes(opened[-1], model).full(BUDGET, session)

    yield build
    for repository in opened:
        repository.close()


def read(prefix: Prefix, session: ScriptedSession) -> None:
    list(session.read(prefix.tokens, Cancel()))
    prefix.keep()


def text_of(prefix: Prefix, model: ChatModel) -> str:
    return model.tokenizer.decode(prefix.tokens).decode()


def test_small_edit_rides_behind_what_was_read(
    full: Built, root: Path, session: ScriptedSession, model: ChatModel
) -> None:
    """The pack that was read stays to the last token; the changed lines follow it."""
    before = full()
    read(before, session)
    (root / "src/part3.py").write_text(FILES["src/part3.py"].replace("value * 5", "value * 5000"))
    (root / "src/part4.py").unlink()
    (root / "src/new.py").write_text("def brand_new():\n    return 1\n")
    after = full()
    assert after.changed == {"src/part3.py", "src/part4.py", "src/new.py"}
    pack, changes = text_of(before, model).removesuffix("<|im_end|>\n"), text_of(after, model)
    assert changes.startswith(pack)
    tail = changes.removeprefix(pack)
    assert "## src/part3.py (changed)" in tail and "value * 5000" in tail and "value * 9" not in tail
    assert "## src/part4.py (deleted)" in tail
    assert "brand_new" in tail
    assert "src/part3.py" not in after.shown_in_full and "src/part5.py" in after.shown_in_full


def test_large_change_is_packed_anew(full: Built, root: Path, session: ScriptedSession) -> None:
    """What would not fit behind the pack makes a new one."""
    read(full(), session)
    for n in range(8):
        (root / f"src/part{n}.py").write_text("".join(f"def other_{n}_{i}():\n    return {i}\n" for i in range(40)))
    after = full()
    assert (after.changed, after.overlay_tokens) == (frozenset(), 0)


def test_pack_that_was_never_read_is_not_kept_alive(full: Built, root: Path) -> None:
    """Without a reading there is nothing to save: an edit simply gives the new pack."""
    full().keep()
    (root / "src/part3.py").write_text("def only():\n    return 0\n")
    assert full().changed == frozenset()


def test_going_back_uses_the_pack_that_was_read(full: Built, root: Path, session: ScriptedSession) -> None:
    """After a change and its revert, the first prefix is there again, token for token."""
    before = full()
    read(before, session)
    (root / "src/part3.py").write_text("x = 1\n")
    run_git(root, "checkout", "--quiet", "src/part3.py")
    assert full().tokens == before.tokens


def test_damaged_record_is_ignored(app: App, full: Built, root: Path, session: ScriptedSession) -> None:
    """A record that cannot be read costs reading, nothing else."""
    read(full(), session)
    [record] = (app.settings.cache_dir / "prefixes").iterdir()
    (root / "src/part3.py").write_text("x = 1\n")
    for damage in (b"", b"{}", b"[1", b'{"version": 1, "sections": 3}'):
        record.write_bytes(damage)
        assert full().changed == frozenset()


def test_map_serves_until_the_whole_was_read(app: App, model: ChatModel, root: Path, session: ScriptedSession) -> None:
    """A question does not wait for thousands of tokens; once they were read, it sees them."""
    with app.repository(root) as repository:
        prefixes = app.prefixes(repository, model)
        whole, small = prefixes.full(BUDGET, session), prefixes.map(700)
        assert choose_prefix(whole, small, session)[0].kind == "map"
        read(whole, session)
        assert choose_prefix(whole, small, session)[0].kind == "full"
