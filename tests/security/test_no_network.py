"""Nothing leaves the machine: the guard sees what would, and the product's main paths work where nothing can."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.testing import Shape, make_repo
from copilot.testing.no_network import guard, is_local

TRIES: dict[str, Callable[[], object]] = {
    "socket.connect 192.0.2.1": lambda: socket.socket().connect(("192.0.2.1", 80)),
    "socket.connect 2001:db8::1": lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    "socket.sendto 192.0.2.1": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    "socket.bind 0.0.0.0": lambda: socket.socket().bind(("0.0.0.0", 0)),
    "socket.bind ": lambda: socket.socket().bind(("", 0)),
    "socket.getaddrinfo example.org": lambda: socket.getaddrinfo("example.org", 443),
    "socket.gethostbyname example.org": lambda: socket.gethostbyname("example.org"),
    "urllib.Request example.org": lambda: urllib.request.urlopen("http://example.org/"),
}


class SeenError(Exception):
    """What the hook under test raises in a process of its own."""


@pytest.mark.parametrize("what", sorted(TRIES))
def test_the_guard_sees_each_way_to_another_machine(what: str) -> None:
    """Each is refused before it happens, and told with the address. (The suite's own hook would do the same here.)"""
    number = sorted(TRIES).index(what)
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_no_network import SeenError, TRIES
from copilot.testing.no_network import guard
def refuse(what):
    raise SeenError(what)
sys.addaudithook(lambda event, arguments: guard(event, arguments, refuse))
try:
    TRIES[sorted(TRIES)[{number}]]()
except SeenError as seen:
    sys.stdout.write(str(seen))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True)
    assert ran.stdout == what, ran.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST", None, b"localhost"])
def test_this_machine_is_local(host: object) -> None:
    """Loopback by any of its names, and no host at all."""
    assert is_local(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "localhos", "example.org", 7])
def test_everything_else_is_not(host: object) -> None:
    """All addresses of the machine at once are not its loopback."""
    assert not is_local(host)


def test_sockets_by_path_are_of_this_machine(tmp_path: Path) -> None:
    """The engine's own process is reached so, and no guard minds."""
    seen: list[str] = []
    with socket.socket(socket.AF_UNIX) as by_path, socket.socket() as by_address:
        guard("socket.connect", (by_path, str(tmp_path / "s")), seen.append)
        guard("socket.connect", (by_address, ("127.0.0.1", 80)), seen.append)
    guard("open", ("/etc/hosts", "r", 0), seen.append)
    assert seen == []


MAIN_PATHS = """
import sys
from copilot.testing.no_network import leave_network
if not leave_network():
    sys.exit(77)
import socket
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
except OSError:
    pass
else:
    sys.exit("the namespace has a network")
from copilot.cli import main
for command in (["pack", "--budget", "1024"], ["search", "store"], ["ask", "why?"], ["warm"], ["review", "--diff", "d"],
                ["complete", "a.py", "--line", "2", "--column", "5"],
                ["models", "list"], ["doctor"], ["host", "status"], ["host", "stop"], ["cache", "info"]):
    code = main(command)
    if code not in (0, 1):
        sys.exit(f"{command} ended with {code}")
"""
DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-def store(key):\n+def store(key, value):\n     return key\n"


@pytest.mark.parametrize("host", ["off", "on"])
def test_the_main_paths_run_in_a_namespace_without_a_network(
    tmp_path: Path, tiny_model: Callable[[Shape], Path], host: str
) -> None:
    """Where the kernel lets a process leave the network, C code and child processes cannot reach it either."""
    project = make_repo(tmp_path / "p", {"a.py": "def store(key, value):\n    return key\n", "d": DIFF})
    variables = {
        "COPILOT_MODEL": str(tiny_model("qwen2")),
        "COPILOT_MAX_ANSWER_TOKENS": "4",
        "COPILOT_CONTEXT_TOKENS": "4096",
        "COPILOT_HOST": host,
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ran = subprocess.run(
            [sys.executable, "-c", MAIN_PATHS, str(listening.getsockname()[1])],
            cwd=project,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=120,
        )
    if ran.returncode == 77:
        pytest.skip("the kernel gives this user no network namespace")
    assert ran.returncode == 0, ran.stdout + ran.stderr
