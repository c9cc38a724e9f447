"""`copilot models list` and `copilot doctor` advise the same models."""

import os
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name == "nt", reason="a script stands for the driver's program")
def test_the_list_of_models_marks_what_doctor_advises(run, tmp_path: Path) -> None:
    """With a large graphics processor too: whether it counts is llama.cpp's to say, and no setting's."""
    driver = tmp_path / "driver" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho 'Large, 98304'\n")
    driver.chmod(0o755)
    variables = {"PATH": f"{driver.parent}{os.pathsep}{os.environ['PATH']}", "COPILOT_GPU_LAYERS": "99"}
    checks = {check["name"]: check for check in run("doctor", "--json", **variables).json["checks"]}
    assert "Large, 96 GiB" in checks["processor"]["found"]
    _, told, arithmetic = run("models", "list", **variables).err.strip().partition("for this machine: ")
    assert told and checks["tier"]["found"].startswith(f"{arithmetic};")
