"""What a client tells the process that it starts to be a host; written to its stdin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from copilot.host.address import Address


@dataclass(frozen=True, slots=True)
class Orders:
    """What a client tells the process it starts."""

    address: Address
    log: Path
    model: str
    idle_s: float
    stall_s: float
    session: Mapping[str, Any]

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        sent = json.loads(text)
        address = Address(Path(sent["folder"]), sent["key"], sent["transport"])
        return cls(address, Path(sent["log"]), sent["model"], sent["idle_s"], sent["stall_s"], sent["session"])

    def to_json(self) -> bytes:
        where = {"folder": str(self.address.folder), "key": self.address.key, "transport": self.address.transport}
        terms = {"model": self.model, "idle_s": self.idle_s, "stall_s": self.stall_s, "session": dict(self.session)}
        return json.dumps(where | {"log": str(self.log)} | terms).encode()
