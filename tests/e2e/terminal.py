"""A program in a terminal of its own, which also calls us back over a socket. Does not know: any editor."""

import importlib.util
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread

ROWS, COLUMNS = 40, 120
PATIENCE_S = 20


class Terminal:
    """Started with `start(port)`'s command; `channel` is the connection that it makes to the port."""

    def __init__(self, start: Callable[[int], list[str]], folder: Path, environment: dict[str, str]) -> None:
        import fcntl
        import pty
        import termios

        listener = socket.create_server(("127.0.0.1", 0))
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            start(listener.getsockname()[1]),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=environment | {"TERM": "xterm", "LINES": str(ROWS), "COLUMNS": str(COLUMNS)},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Emacs opens /dev/tty
        )
        os.close(slave)
        self._master = master
        Thread(target=self._drain, daemon=True).start()
        listener.settimeout(PATIENCE_S)
        self.channel, _ = listener.accept()
        listener.close()
        self.channel.settimeout(PATIENCE_S)

    def _drain(self) -> None:
        try:
            while os.read(self._master, 65_536):
                pass
        except OSError:  # the program is gone
            pass

    def send(self, keys: str) -> None:
        """Keys as the terminal sends them."""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        self.channel.close()
        self._process.kill()
        self._process.wait()
        os.close(self._master)


def missing() -> str:
    """Why there are no such terminals here, "" if there are."""
    has_terminals = all(importlib.util.find_spec(name) for name in ("fcntl", "pty", "termios"))
    return "" if has_terminals else "the editor is driven in a terminal of Unix"
