"""The model as one more source of a review: what it makes of each edit, and of the project's own checks.

Without a model, or where it fails, the review goes on with what the rules found. Does not know: what a finding is.
"""

from collections.abc import Iterator, Sequence

from copilot.errors import CopilotError, ModelMissingError
from copilot.events import Notice, Usage
from copilot.review.cache import FindingCache
from copilot.review.change import ChangeView
from copilot.review.edits import MOST_PER_FILE
from copilot.review.facts import Deadline
from copilot.review.finding import Finding
from copilot.tasks.model_review.asking import Desk
from copilot.tasks.model_review.checks import Checker
from copilot.tasks.model_review.critic import Critic
from copilot.tasks.review import Source, SourceEvent


def model_source(desk: Desk, cache: FindingCache, per_file: int = MOST_PER_FILE, *, is_wanted: bool = False) -> Source:
    """Looks at a change with a model; with `is_wanted` its absence is an error, otherwise a Notice."""

    def look(change: ChangeView, deadline: Deadline, said: Sequence[Finding]) -> Iterator[SourceEvent]:
        try:
            yield from Critic(desk, cache, per_file).findings(change, deadline, said)
            yield from Checker(desk, cache).findings(change, deadline)
        except CopilotError as error:
            if is_wanted:
                raise
            is_absent = isinstance(error, ModelMissingError)
            yield Notice(f"only rules looked at the change: {error}", "hint" if is_absent else "warning")
        if desk.usage != Usage():
            yield desk.usage

    return look
