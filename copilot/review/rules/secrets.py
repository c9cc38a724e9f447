"""Secrets that a change adds: values that look like keys and passwords, and files that hold them by their name.

The values themselves appear in no message. Does not know: what a secret opens, whether it is still valid.
"""

from collections.abc import Iterator

from copilot.repo.redact import redact
from copilot.repo.secrets import is_secret
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView

SECRET = Rule(
    "secret-added", "secret in the code", Severity.CRITICAL, "security",
    "A value of the shape of a key, token or password was added that the old version did not hold; in tests, examples"
    " and documents only what has a provider's own shape.",
    0.9,
)  # fmt: skip
SECRET_FILE = Rule(
    "secret-file-added", "file that holds secrets", Severity.HIGH, "security",
    "A file was added whose name says that it holds keys or passwords (`.env`, `id_rsa`, keystores); not in tests.",
    0.8,
)  # fmt: skip
RULES = (SECRET, SECRET_FILE)
_GENERAL = frozenset({"password or key", "private key", "password in a URL", "authorization header"})
"""Kinds that tests and examples make up."""


def check(view: FileView) -> Iterator[Hit]:
    """Secrets among the added lines."""
    if view.file.diff.status == "added" and is_secret(view.path):
        if not view.is_aside:
            message = (
                "files of this name hold secrets, and a commit is for ever; ignore it and commit an example instead"
            )
            yield view.hit(SECRET_FILE, (1, 1), message, about=view.path)
        return
    text = view.file.new_text
    if text is None:
        numbers = sorted(view.added)
        text = "\n".join(view.added[number] for number in numbers)
    else:
        numbers = list(range(1, text.count("\n") + 2))
    if view.is_generated:
        return
    old = view.file.old_text or "\n".join(line.text for line in view.removed)
    for found in redact(text, view.path).found:
        number = numbers[found.line - 1]
        value = text[found.start : found.end]
        if number not in view.added or value in old or view.is_moved(number):
            continue
        if view.is_aside and found.kind in _GENERAL:
            continue
        message = f"this looks like a {found.kind}; take it out, read it from the environment, and revoke it"
        line = view.line(number).replace(value, "")
        yield view.hit(SECRET, (number, number), message, about=line)
