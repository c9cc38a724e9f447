"""The server on two byte streams, until the client leaves: one thread reads, one writes, the loop does the rest.

Does not know: what is in a message.
"""

import asyncio
import os
import sys
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO, Protocol

from lsp.framing import FrameError, read_frame

FLUSH_S = 2.0
"""How long what was said last may take to reach a client that has gone quiet."""


class Receiver(Protocol):
    """Who deals with the messages."""

    def receive(self, body: bytes) -> None: ...

    def damaged(self, reason: str) -> None:
        """The stream holds something that is no message."""

    @property
    def is_shut_down(self) -> bool: ...


class Writer:
    """Hands bytes to a thread that writes them, so that a client that does not read cannot stop the loop."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._waiting.put(data)

    def close(self) -> None:
        """Write what is left, for as long as that is worth waiting for."""
        self._waiting.put(None)
        self._thread.join(FLUSH_S)

    def _work(self) -> None:
        with suppress(OSError, ValueError):  # the client has gone: reading tells the loop so
            while (data := self._waiting.get()) is not None:
                self._stream.write(data)
                self._stream.flush()


class Connection:
    """One client from its first byte to the exit code."""

    def __init__(self, receiver: Receiver, reader: BinaryIO) -> None:
        self._receiver = receiver
        self._reader = reader
        self._ended: asyncio.Future[int] | None = None

    def end(self, code: int) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(code)

    async def served(self) -> int:
        """Serve until the client says `exit` or hangs up; returns the exit code."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
        Thread(target=self._read, args=(loop, bodies), name="reader", daemon=True).start()
        receiving = asyncio.create_task(self._received(bodies))
        try:
            return await self._ended
        finally:
            receiving.cancel()

    async def _received(self, bodies: "asyncio.Queue[bytes | None]") -> None:
        while (body := await bodies.get()) is not None:
            self._receiver.receive(body)
            # What was started by this message runs to its first pause before the next one is looked at, so that a
            # request sees the documents as they were when it was made.
            await asyncio.sleep(0)
        self.end(0 if self._receiver.is_shut_down else 1)

    def _read(self, loop: asyncio.AbstractEventLoop, bodies: "asyncio.Queue[bytes | None]") -> None:
        is_over = False
        with suppress(RuntimeError):  # the loop has been closed
            while not is_over:
                try:
                    body = read_frame(self._reader)
                    is_over = body is None
                    if body is not None:
                        loop.call_soon_threadsafe(bodies.put_nowait, body)
                except FrameError as error:
                    is_over = error.is_over
                    loop.call_soon_threadsafe(self._receiver.damaged, str(error))
                except (OSError, ValueError):
                    is_over = True
            loop.call_soon_threadsafe(bodies.put_nowait, None)


def private_streams() -> tuple[BinaryIO, BinaryIO]:
    """The streams from and to the client, for nobody else: what other code prints goes to stderr from now on, and what
    it reads is empty. They are not closed at the end, when a thread may still be reading."""
    sys.stdout.flush()
    kept_in, kept_out = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(kept_in, "rb"), os.fdopen(kept_out, "wb")
