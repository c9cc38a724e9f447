"""Findings that are known and not to be shown again: a JSON file of their fingerprints.

Does not know: which findings there are now.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from copilot.errors import UsageError
from copilot.files import replace_file
from copilot.review.finding import Finding

_VERSION = 1


class Baseline:
    """How many findings of each fingerprint are known."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._left = Counter(known)

    @classmethod
    def load(cls, path: Path) -> "Baseline":
        """Read a baseline file; UsageError if it is none."""
        try:
            document = json.loads(path.read_text("utf-8"))
            if document["version"] != _VERSION:
                raise ValueError(f"version {document['version']}")
            return cls(str(row["fingerprint"]) for row in document["findings"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            raise UsageError(f"{path} is no baseline ({exc}); make one with --update-baseline") from exc

    def takes(self, finding: Finding) -> bool:
        """Tell whether a finding is known; each known one takes one finding only."""
        if self._left[finding.fingerprint] <= 0:
            return False
        self._left[finding.fingerprint] -= 1
        return True


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Make these findings the known ones; UsageError if the file cannot be written."""
    ordered = sorted(findings, key=lambda finding: (*finding.order, finding.fingerprint))
    rows = [{"rule": each.rule, "path": each.path, "fingerprint": each.fingerprint} for each in ordered]
    text = json.dumps({"version": _VERSION, "findings": rows}, indent=1) + "\n"
    try:
        replace_file(path, text.encode())
        path.chmod(0o644)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written ({exc.strerror}); name another file") from exc
