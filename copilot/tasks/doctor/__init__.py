"""Everything the copilot needs from this machine, checked one by one; each problem comes with its cure."""

from copilot.tasks.doctor.check import Check
from copilot.tasks.doctor.examine import Patient, examine

__all__ = ["Check", "Patient", "examine"]
