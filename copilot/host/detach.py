"""The first thing a host process does: become nobody's child, so that it outlives the client that started it.

Imports nothing heavy: what is imported before could have threads, and those do not survive a fork.
"""

import os


def detach() -> None:
    """Go on as a grandchild of the client; the process in between ends. Leaves no core dumps, which would hold code.

    Whoever ends the client's whole family, as editors and CI systems do, does not end the host then.
    """
    if not hasattr(os, "fork"):
        return
    if os.fork():
        os._exit(0)
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
