"""`python -m tests.fuzz NAME --minutes N`: look for inputs that a parser does not survive; `all` takes each in turn."""

import argparse
import random
import resource
import sys

from tests.fuzz.campaign import keep, run
from tests.fuzz.targets import TARGETS

MEMORY_BYTES = 4 << 30


def main() -> int:
    """Exit code 1 if something failed; the inputs are then in tests/fuzz/corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["all", *TARGETS])
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU minutes for each target")
    parser.add_argument("--seed", type=int, default=None, help="the same seed and time give about the same inputs")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    failed = False
    for name in TARGETS if given.name == "all" else [given.name]:
        findings = run(name, TARGETS[name], random.Random(seed), seconds=60 * given.minutes)
        written = keep(name, findings)
        seen = f"{len(findings.outcomes)} outcomes, {len(findings.lines):,} lines"
        sys.stdout.write(f"{name}: {findings.inputs:,} inputs, {seen}, {len(written)} failures (seed {seed})\n")
        for what, path in zip(findings.failures, written, strict=True):
            sys.stdout.write(f"  {what}: {path}\n")
        sys.stdout.flush()
        failed = failed or bool(written)
        if findings.interrupted:
            break
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
