"""The package's public names, and what importing it costs."""

import subprocess
import sys
from pathlib import Path

import copilot.models


def test_public_names_are_sorted_and_there() -> None:
    """What `__all__` promises exists."""
    assert copilot.models.__all__ == sorted(copilot.models.__all__)
    assert not [name for name in copilot.models.__all__ if not hasattr(copilot.models, name)]


def test_importing_the_package_loads_no_network_client() -> None:
    """Only a pull from the hub needs one."""
    code = "import sys, copilot.models; sys.exit('huggingface_hub' in sys.modules or 'click' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0
