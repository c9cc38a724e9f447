"""One finding of the doctor."""

from dataclasses import dataclass
from typing import Literal

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `cure` says what to do, empty where nothing is wrong."""

    name: str
    status: Literal["ok", "warning", "problem"]
    found: str
    cure: str = ""
