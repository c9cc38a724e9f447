"""Runs one target on mutated inputs: what fails is kept as a file, and what brings something new is mutated further.

New is an outcome that did not come before, or, for every few inputs, a line of the project that was not run before.
"""

import hashlib
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import Target
from tests.fuzz.trace import Line, traced

CORPUS = Path(__file__).parent / "corpus"
INPUT_S = 10.0
"""CPU seconds after which one input counts as a hang."""
TRACED_EVERY = 8
"""Inputs of which the lines of one are looked at: that takes several times as long."""
POOL = 1000
KEPT_BYTES = 4096
"""Larger inputs are not kept in the corpus."""


class HangError(Exception):
    """An input took too long."""


@dataclass
class Findings:
    """How a campaign went."""

    inputs: int = 0
    outcomes: dict[str, bytes] = field(default_factory=dict)
    """What happened, and the first input that made it happen."""
    failures: dict[str, bytes] = field(default_factory=dict)
    lines: set[Line] = field(default_factory=set)
    """Of the project, run through by the inputs that were looked at."""
    interrupted: bool = False


def corpus_of(name: str) -> list[bytes]:
    """What earlier campaigns kept, in the order of names."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*")) if path.is_file()]


def outcome(target: Target, content: bytes) -> tuple[str, bool]:
    """What one input leads to, in few words, and whether that is a failure."""
    try:
        with _time_limit():
            target.run(content)
    except target.allowed as error:
        return f"{type(error).__name__}: {_kind(str(error))}", False
    except HangError:
        return "hang", True
    except Exception as error:  # whatever it is, it is the finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.name}", True
    return "taken", False


def _kind(message: str) -> str:
    """A message without what it quotes, names or counts."""
    return re.sub(r"[^a-z ]+", "", re.sub(r"['`\"(].*", "", message.partition(":")[0]))[:60]


def run(name: str, target: Target, dice: random.Random, *, seconds: float = 0.0, inputs: int = 0) -> Findings:
    """Mutate until the CPU seconds, or the number of inputs, are used up; Ctrl-C ends it with what was found so far."""
    pool = target.seeds() + corpus_of(name)
    findings = Findings()
    for content in pool:
        _note(findings, target, content)
    started = time.process_time()
    try:
        while findings.inputs < inputs or time.process_time() - started < seconds:
            content = mutated(dice.choice(pool), pool, target.words, dice)
            if _note(findings, target, content) and len(content) <= KEPT_BYTES and len(pool) < POOL:
                pool.append(content)
    except KeyboardInterrupt:
        findings.interrupted = True
    return findings


def keep(name: str, findings: Findings, most: int = 20) -> list[Path]:
    """Write failures, and the smallest inputs of each kind of outcome, to the corpus; returns the failures' files."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    small = sorted((item for item in findings.outcomes.items() if len(item[1]) <= KEPT_BYTES), key=lambda item: item[0])
    for _, content in small[: max(0, most - len(list(folder.iterdir())))]:
        (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    written = []
    for content in findings.failures.values():
        path = folder / f"failure-{hashlib.sha256(content).hexdigest()[:16]}"
        path.write_bytes(content)
        written.append(path)
    return written


def _note(findings: Findings, target: Target, content: bytes) -> bool:
    """Run one input; True if nothing like it happened before."""
    is_new = False
    if findings.inputs % TRACED_EVERY:
        what, failed = outcome(target, content)
    else:
        (what, failed), is_new = traced(lambda: outcome(target, content), findings.lines)
    findings.inputs += 1
    if failed:
        known = findings.failures.get(what)
        if known is None or len(content) < len(known):
            findings.failures[what] = content
    if what in findings.outcomes:
        if len(content) < len(findings.outcomes[what]):
            findings.outcomes[what] = content
        return is_new
    findings.outcomes[what] = content
    return True


@contextmanager
def _time_limit() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, INPUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
