"""The extension's own checks: types, lint and unit tests, run with the Node of its end-to-end test."""

import subprocess

import pytest

from tests.e2e.install_code_server import EXTENSION, has_packages, installed


@pytest.mark.parametrize("script", ["types", "lint", "test"])
def test_the_extension_passes_its_own_checks(script: str) -> None:
    """`npm run check` has nothing to say."""
    server = installed()
    if server is None or not has_packages():
        pytest.skip("Node or the extension's packages are missing: `python -m tests.e2e.install_code_server`")
    done = subprocess.run(
        server.npm("run", script), cwd=EXTENSION, env=server.environment(), capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
