"""Where hosts are met: only in a folder of the user's own, only by the user's own processes."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.errors import HostError
from copilot.host.address import Address, connect, key_of, listen, own_folder, proof, proves, runtime_folder
from copilot.host.peer import own_uid, peer_of

UID = own_uid()


def test_the_session_folder_is_preferred(runtime: Path) -> None:
    """Where the system keeps a folder for sockets, they are there."""
    assert runtime_folder({"XDG_RUNTIME_DIR": str(runtime)}) == runtime / "copilot-offline"


@pytest.mark.parametrize("named", ["", "relative", "/does/not/exist", "/" + "x" * 200])
def test_without_a_usable_session_folder_the_temporary_one_serves(named: str) -> None:
    """The name carries the user, and is short enough for a socket."""
    folder = runtime_folder({"XDG_RUNTIME_DIR": named})
    assert folder.name == f"copilot-offline-{UID}"
    assert len(os.fsencode(folder / ("k" * 16 + ".sock"))) < 104


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    """Nobody else can look into it, whatever the umask; one that was open is closed."""
    folder = own_folder(tmp_path / "new", UID)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    assert stat.S_IMODE(own_folder(folder, UID).stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["of another user", "a link", "a file"])
def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path, kind: str) -> None:
    """Somebody who was there first could read everything that goes through it."""
    folder, uid = tmp_path / "taken", UID
    if kind == "of another user":
        folder.mkdir()
        uid = UID + 1
    elif kind == "a link":
        folder.symlink_to(tmp_path)
    else:
        folder.touch()
    with pytest.raises(HostError, match="not a folder of yours"):
        own_folder(folder, uid)


def test_keys_tell_parameters_apart() -> None:
    """Whatever differs makes another host; the same makes the same."""
    assert key_of("m", 1, Path("/a")) == key_of("m", 1, Path("/a"))
    assert len({key_of("m", 1), key_of("m", 2), key_of("m", "1"), key_of("n", 1)}) == 4


def test_the_socket_is_private_and_knows_its_peers(runtime: Path) -> None:
    """Mode 0600; both ends are told user and process by the system."""
    address = Address(own_folder(runtime / "f", UID), "k")
    listener = listen(address)
    reached = connect(address, UID)
    client = reached.sock
    accepted, _ = listener.sock.accept()
    try:
        assert stat.S_IMODE(address.meeting.lstat().st_mode) == 0o600
        assert (reached.token, reached.pid) == ("", os.getpid())
        for end in (client, accepted):
            peer = peer_of(end)
            assert peer is not None and (peer.uid, peer.pid) == (UID, os.getpid())
    finally:
        for sock in (client, accepted):
            sock.close()
        listener.close()
    assert not address.meeting.exists()


def test_a_socket_of_another_user_is_not_spoken_to(runtime: Path) -> None:
    """Nothing is sent to a stranger who listens at our address."""
    address = Address(own_folder(runtime / "f", UID), "k")
    listener = listen(address)
    try:
        with pytest.raises(HostError, match="another user"):
            connect(address, UID + 1)
    finally:
        listener.close()


def test_a_dead_socket_is_taken_over(runtime: Path) -> None:
    """What a killed host left behind is replaced."""
    address = Address(own_folder(runtime / "f", UID), "k")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(address.meeting))
    dead.close()
    with pytest.raises(ConnectionRefusedError):
        connect(address, UID)
    listener = listen(address)
    connect(address, UID).sock.close()
    listener.close()


def test_loopback_has_a_private_token(runtime: Path) -> None:
    """Port and token are in a file of the user's own; the token is new each time and never sent."""
    address = Address(own_folder(runtime / "f", UID), "k", "tcp")
    tokens = set()
    for _ in range(2):
        listener = listen(address)
        assert listener.sock.getsockname()[0] == "127.0.0.1"
        assert stat.S_IMODE(address.meeting.stat().st_mode) == 0o600
        reached = connect(address, UID)
        reached.sock.close()
        listener.close()
        token = reached.token
        assert reached.pid == os.getpid()
        tokens.add(token)
    assert len(tokens) == 2 and all(len(token) == 64 for token in tokens)
    assert token not in (proof(token, "client"), proof(token, "host"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", json.dumps({"port": "x", "token": "y"}).encode()])
def test_a_damaged_port_file_counts_as_no_host(runtime: Path, content: bytes) -> None:
    """The next host writes a new one."""
    address = Address(own_folder(runtime / "f", UID), "k", "tcp")
    address.meeting.write_bytes(content)
    with pytest.raises(OSError):
        connect(address, UID)


def test_proofs_differ_by_end_and_token() -> None:
    """What one end shows is worth nothing at the other, nor anything else than text."""
    assert proves(proof("t", "client"), "t", "client")
    for wrong in (proof("t", "host"), proof("u", "client"), "", None, 5, "\ud800"):
        assert not proves(wrong, "t", "client")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_command_line_of_a_host_tells_nothing(hosts) -> None:
    """Everything it needs went through its stdin."""
    hosts.said(hosts.client(), hosts.asked(1))
    shown = Path(f"/proc/{hosts.pid}/cmdline").read_bytes().split(b"\0")
    assert shown[:-1] == [os.fsencode(part) for part in hosts.command]


@pytest.mark.skipif(os.name != "posix" or UID != 0, reason="only root can become somebody else")
def test_another_user_is_hung_up_on(hosts) -> None:
    """Even where folder and socket were open to everybody, the host speaks to its user only."""
    hosts.said(hosts.client(), hosts.asked(1))
    folder = hosts.folder
    for path in (folder.parent, folder):
        path.chmod(0o755)
    (folder / "k.sock").chmod(0o777)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX)\n"
        "s.connect(sys.argv[1]); s.settimeout(5); print(s.recv(1))"
    )
    ran = subprocess.run([sys.executable, "-c", code, folder / "k.sock"], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "b''", ran.stderr
    assert "stranger" in (hosts.logs / "k.log").read_text()
