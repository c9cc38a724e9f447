"""Starting the server as a process: its log, its streams, its exit code.

Does not know: command lines beyond their flags, features.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

from copilot.app import App
from lsp.projects import OpenApp
from lsp.server import create_server
from lsp.stdio import Connection, Writer, private_streams

USAGE = "usage: python -m lsp [--stdio]"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one client; returns the exit code: 0 after `shutdown` and `exit`, 1 where the client just leaves."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if unknown := [each for each in given if each != "--stdio" and not each.startswith("--clientProcessId")]:
        sys.stderr.write(f"{USAGE}; {unknown[0]!r} is unknown\n")
        return 2
    return serve(App.at)


def serve(open_app: OpenApp) -> int:
    """Serve one client on stdin and stdout with repositories from `open_app`."""
    # What pygls logs below this is the user's own code.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    gc.set_threshold(100_000)
    reader, stream = private_streams()
    writer = Writer(stream)
    try:
        return asyncio.run(served(open_app, reader, writer))
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        writer.close()


async def served(open_app: OpenApp, reader: BinaryIO, writer: Writer) -> int:
    """Serve one client on any two streams; returns the exit code."""
    asyncio.get_running_loop().set_exception_handler(_logged)
    server = create_server(open_app)
    server.protocol.set_writer(writer)
    connection = Connection(server.protocol, reader)
    server.protocol.ended = connection.end
    return await connection.served()


def _logged(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What went wrong where nobody waits; what was cancelled because the client left is nothing wrong."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)
