"""The order of files in a pack: rarely changed first, so that a change costs little of what was read before it.

Only commits that touch a file can move it, and only when their number doubles. Knows no content and no budget.
"""

from copilot.repo.git import History
from copilot.repo.roles import Role, role_of

_MOST = 6

_BY_ROLE = {
    Role.LEGAL: 0,
    Role.VENDORED: 0,
    Role.LOCALE: 0,
    Role.DATA: 0,
    Role.MANIFEST: 1,
    Role.CONFIG: 1,
    Role.README: 1,
    Role.GUIDE: 1,
    Role.DOCS: 1,
    Role.TEST: 3,
    Role.FIXTURE: 3,
}
"""Without history: what usually changes seldom comes first; source is 2."""


def volatility(path: str, history: History | None) -> int:
    """Bucket of how often a file changes, from 0: rarely."""
    if history is None:
        return _BY_ROLE.get(role_of(path), 2)
    change = history.changes.get(path)
    return min(change.commits.bit_length(), _MOST) if change else 0
