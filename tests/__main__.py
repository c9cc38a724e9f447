"""`python -m tests`: formatting, lint, types and the test suite, stopping at the first that fails."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy",),
    ("pytest", "--numprocesses", "auto", "--dist", "loadgroup"),
)


def main() -> int:
    environment = os.environ | {"GOMP_SPINCOUNT": "0"}
    for check in CHECKS:
        sys.stdout.write(f"$ {' '.join(check)}\n")
        sys.stdout.flush()
        code = subprocess.run([sys.executable, "-m", *check], cwd=ROOT, env=environment, check=False).returncode
        if code:
            return code
    return 0


sys.exit(main())
