"""Showing an answer in an editor that has no place of its own for one: as a file it opens, else as a message.

Does not know: where answers come from.
"""

from hashlib import blake2b
from pathlib import Path

from copilot.files import replace_file
from lsp.client import Client
from lsp.uris import uri_of

MOST_FILES = 20
MESSAGE_CHARS = 2000


async def show_answer(client: Client, how: str, folder: Path, title: str, answer: str) -> None:
    """Show an answer in Markdown; `how` is "document", "message" or "none". Files go into `folder`."""
    if how == "none" or not answer:
        return
    if how == "document":
        text = f"# {' '.join(title.split())}\n\n{answer}\n"
        path = folder / f"{blake2b(text.encode('utf-8', 'replace'), digest_size=6).hexdigest()}.md"
        if _written(path, text) and await client.show(uri_of(path)):
            return
    short = answer if len(answer) <= MESSAGE_CHARS else f"{answer[:MESSAGE_CHARS]}…"
    client.say(short, "hint", once=False)


def _written(path: Path, text: str) -> bool:
    """Keep an answer, and only the latest ones."""
    try:
        replace_file(path, text.encode("utf-8", "replace"))
        others = sorted(path.parent.glob("*.md"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for old in others[MOST_FILES:]:
            old.unlink(missing_ok=True)
    except OSError:
        return False
    return True
