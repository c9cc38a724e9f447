"""Reviews of damaged diffs: whatever bytes come in, a review ends with findings or with one line of error.

`python -m tests.bench.review_fuzz --most 10000` makes diffs from the cases in `fixtures/review`, damages them byte by
byte and line by line, and reviews each against a tree that holds the old version, the new one or none. Prints how many
were reviewed and how many refused; anything else ends it. Knows nothing of what the findings should be.
"""

import argparse
import difflib
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from copilot.errors import DiffError
from copilot.events import Usage
from copilot.repo.changes import from_diff
from copilot.review.catalogue import ALL, Selection
from copilot.review.change import ChangeView
from copilot.review.document import document
from copilot.review.edits import edits
from copilot.review.facts import Deadline, facts
from copilot.review.finding import Coverage, Finding, Skipped
from copilot.review.github import annotation
from copilot.review.sarif import sarif

FIXTURES = Path(__file__).parents[2] / "fixtures" / "review"
_SECTION = re.compile(r"^==== (before|after|both|expect) ?(.*)\n", re.MULTILINE)
_HEADERS = (
    b"--- /dev/null", b"+++ /dev/null", b"+++ b/../../etc/passwd", b"diff --git a/x b/x", b"new file mode 160000",
    b"rename from a\nrename to b", b"Binary files a/x and b/x differ", b"@@ -0,0 +1 @@", b"@@ -1,9999999 +1 @@",
    b"@@@ -1,2 -1,2 +1,3 @@@", b"\\ No newline at end of file", b"index 0000000..1111111 100644", b'--- "a/\\303\\251"',
    b"similarity index 150%", b"GIT binary patch\nliteral 10\nzcmV", b"old mode 100644\nnew mode 120000",
)  # fmt: skip


def diffs() -> list[tuple[dict[str, str], bytes]]:
    """(files before, diff) of each case."""
    found = []
    for path in sorted(FIXTURES.glob("*/*.case")):
        parts = _SECTION.split(path.read_text("utf-8"))
        sides: dict[str, dict[str, str]] = {"before": {}, "after": {}}
        for kind, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            for side in sides if kind == "both" else ({kind} & sides.keys()):
                sides[side][name] = body
        before, after = sides["before"], sides["after"]
        text = "".join("".join(_diff(name, before, after)) for name in sorted(before.keys() | after.keys()))
        found.append((before, text.encode()))
    return found


def _diff(name: str, before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    old, new = (side.get(name, "").splitlines(keepends=True) for side in (before, after))
    names = (f"a/{name}" if name in before else "/dev/null", f"b/{name}" if name in after else "/dev/null")
    lines = list(difflib.unified_diff(old, new, *names))
    return (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def spoiled(raw: bytes, draw: random.Random) -> bytes:
    """A diff after a few cuts, insertions and exchanges, of lines and of bytes."""
    lines = raw.split(b"\n")
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(lines))
        match draw.randrange(9):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, draw.choice(lines))
            case 2:
                lines.insert(at, draw.choice(_HEADERS))
            case 3:
                lines[at] = lines[at][: draw.randrange(len(lines[at]) + 1)]
            case 4:
                lines[at] = draw.choice([b"+", b"-", b" ", b"\\", b"@"]) + lines[at][1:]
            case 5:
                lines[at] = re.sub(rb"\d+", lambda _: b"%d" % draw.choice((0, 1, 7, 10**12)), lines[at], count=1)
            case 6:
                lines[at] += draw.choice([b"\r", b"\0", b"\xff\xfe", b"\x1b[2J", "\u2028é\u0301".encode(), b"\t" * 9])
            case 7:
                lines[at] = bytes(draw.randrange(256) for _ in range(draw.randrange(40))).replace(b"\n", b"")
            case _:
                other = draw.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
        lines = lines or [b""]
    return b"\n".join(lines)


def reviewed(root: Path, raw: bytes) -> str:
    """Review a diff and write it in every form: "reviewed" or "refused"; AssertionError where a rule failed."""
    try:
        changes = from_diff(root, raw)
    except DiffError:
        return "refused"
    change = ChangeView(changes)
    events = list(facts(change, Selection.of(), Deadline()))
    skipped = [event for event in events if isinstance(event, Skipped)]
    assert not [event for event in skipped if "a rule failed" in event.reason], skipped
    findings = [event for event in events if isinstance(event, Finding)]
    coverage = Coverage(len(changes.files), len(changes.files), tuple(skipped))
    json.dumps(document(findings, coverage, Usage()))
    json.dumps(sarif(findings, coverage, ALL, "0"))
    assert not [line for line in map(annotation, findings) if "\n" in line]
    for view in change.views:
        for edit in edits(view):
            assert edit.start_line <= edit.end_line
    return "reviewed"


def fuzzed(root: Path, most: int, seed: int) -> dict[str, int]:
    """How many damaged diffs were reviewed and how many refused."""
    draw, cases = random.Random(seed), diffs()
    count = {"reviewed": 0, "refused": 0}
    for number in range(most):
        before, raw = draw.choice(cases)
        folder = root / str(number % 50)
        for name, text in before.items() if draw.random() < 0.8 else ():
            path = folder / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        folder.mkdir(exist_ok=True)
        damaged = spoiled(raw, draw)
        try:
            count[reviewed(folder, damaged)] += 1
        except Exception as error:
            error.add_note(f"diff {number} of seed {seed}: {damaged!r}")
            raise
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        count = fuzzed(Path(folder), options.most, options.seed)
    took = time.process_time() - began
    sys.stdout.write(f"{count['reviewed']} reviewed, {count['refused']} refused, {took:.0f} CPU s\n")


if __name__ == "__main__":
    main()
