"""What a finding depends on, as keys: the same key means the same findings.

Does not know: where findings are kept.
"""

import hashlib
from collections.abc import Iterable

from copilot.repo.diff import render_hunk
from copilot.review.change import ChangeView
from copilot.review.view import FileView


def file_key(version: str, rules: Iterable[str], view: FileView) -> bytes:
    """Key of what the rules say of one file. Moved lines elsewhere in the change count, as they keep rules silent."""
    return _digest([version, *sorted(rules), view.file.note, *_texts(view), view.moved_digest])


def change_key(version: str, rules: Iterable[str], change: ChangeView) -> bytes:
    """Key of what the rules say of a change as a whole, the state of the repository around it included."""
    texts = (part for view in change.views for part in _texts(view))
    return _digest([version, *sorted(rules), change.changes.after.identity(), *texts])


def asked_key(model: str, what: str, parts: Iterable[str]) -> bytes:
    """Key of what a model says of some texts; `model` identifies its file and how it is asked."""
    return _digest([model, what, *parts])


def _texts(view: FileView) -> Iterable[str]:
    diff = view.file.diff
    yield from (diff.status, diff.old_path or "", diff.new_path or "", diff.old_id, diff.new_id)
    yield from ("" if text is None else f"={text}" for text in (view.file.old_text, view.file.new_text))
    if view.file.old_text is None or view.file.new_text is None:
        yield from map(render_hunk, diff.hunks)


def _digest(parts: Iterable[str]) -> bytes:
    state = hashlib.blake2b(digest_size=20)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(8, "little") + raw)
    return state.digest()
