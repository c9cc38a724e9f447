"""Pulling a model from a hub on the loopback: broken connections, restarts, other bytes, no token."""

import hashlib
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from copilot.errors import ModelFileError, ModelMissingError
from copilot.events import Progress, ignore
from copilot.models import Model
from copilot.models.hub import fetch_file, locate, source_of
from copilot.models.partial import Partial


def fetch(model: Model, hub: Any, folder: Path, seen: list[Progress] | None = None) -> Partial:
    """Locate and fetch without waiting between attempts."""
    remote = locate(model, endpoint=hub.endpoint)
    partial = Partial(folder / "tiny.partial", source_of(remote, model))
    fetch_file(model, remote, partial, ignore if seen is None else seen.append, pause=lambda _: None)
    return partial


def test_a_file_is_fetched_at_its_pinned_revision(tiny: Model, hub: Any, content: bytes, tmp_path: Path) -> None:
    """The commit is in the address, so a moved branch changes nothing."""
    seen: list[Progress] = []
    assert fetch(tiny, hub, tmp_path, seen).path.read_bytes() == content
    assert {path for _, path, _ in hub.requests} == {f"/maker/tiny/resolve/{tiny.revision}/tiny.gguf"}
    assert seen[-1] == Progress("fetch", len(content), len(content), "bytes")


def test_no_token_is_sent(tiny: Model, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the environment is none of a public download's business."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(tiny, hub, tmp_path)
    assert hub.requests
    assert not [headers for _, _, headers in hub.requests if "authorization" in headers]


def test_a_cut_connection_is_continued_from_the_byte_where_it_broke(
    tiny: Model, hub: Any, content: bytes, tmp_path: Path
) -> None:
    """Two cuts, three requests, every byte once."""
    hub.cuts = [5000, 20_000]
    assert fetch(tiny, hub, tmp_path).path.read_bytes() == content
    assert hub.asked_ranges == [None, "bytes=5000-", "bytes=25000-"]


def test_a_new_process_continues_what_an_old_one_fetched(tiny: Model, hub: Any, content: bytes, tmp_path: Path) -> None:
    """Nothing but the file and its journal carries over."""
    hub.cuts = [30_000] + [0] * 5
    with pytest.raises(ModelMissingError, match="run the command again"):
        fetch(tiny, hub, tmp_path)
    hub.requests.clear()
    seen: list[Progress] = []
    assert fetch(tiny, hub, tmp_path, seen).path.read_bytes() == content
    assert hub.asked_ranges == ["bytes=30000-"]
    assert seen[0] == Progress("fetch", 30_000, len(content), "bytes", reused=30_000)


def test_a_server_without_ranges_is_read_from_the_start(tiny: Model, hub: Any, content: bytes, tmp_path: Path) -> None:
    """The whole file again, not appended to what was there."""
    hub.ranges = False
    hub.cuts = [1000]
    assert fetch(tiny, hub, tmp_path).path.read_bytes() == content


def test_another_release_is_not_continued(tiny: Model, hub: Any, content: bytes, tmp_path: Path) -> None:
    """An unpinned file that changed on the hub starts anew."""
    unpinned = replace(tiny, sha256=None)
    hub.cuts = [30_000] + [0] * 5
    with pytest.raises(ModelMissingError):
        fetch(unpinned, hub, tmp_path)
    hub.content = content[::-1]
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    assert fetch(unpinned, hub, tmp_path).path.read_bytes() == content[::-1]


def test_other_bytes_are_refused_before_the_first_is_fetched(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """The hub names its digest, so 17 GB need not arrive to be rejected."""
    hub.content = b"GGUF something else"
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    with pytest.raises(ModelFileError, match="is not the file that was published as tiny"):
        fetch(tiny, hub, tmp_path)
    assert hub.asked_ranges == []


@pytest.mark.parametrize("status", [404, 500])
def test_an_answer_without_a_file_is_one_line_with_a_way_out(
    tiny: Model, hub: Any, tmp_path: Path, status: int
) -> None:
    """Whatever the server says, the user learns how to go on without it."""
    hub.status = status
    with pytest.raises(ModelMissingError) as caught:
        fetch(tiny, hub, tmp_path)
    assert f"answered {status}" in str(caught.value)
    assert "`copilot models import FILE`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unreachable_hub_is_one_line_with_a_way_out(tiny: Model) -> None:
    """A closed port stands for any network trouble."""
    with pytest.raises(ModelMissingError) as caught:
        locate(tiny, endpoint="http://127.0.0.1:9")
    assert "set HF_ENDPOINT to a mirror" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again(tiny: Model, hub: Any, content: bytes, tmp_path: Path, status: int) -> None:
    """It may say how long to wait, within reason; a date or nonsense is not believed."""
    remote = locate(tiny, endpoint=hub.endpoint)
    waits: list[float] = []
    for told, waited in (("7", 7.0), ("86400", 60.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 2.0)):
        hub.answers, hub.retry_after = [status], told
        partial = Partial(tmp_path / f"{told[:3]}.partial", source_of(remote, tiny))
        fetch_file(tiny, remote, partial, ignore, pause=waits.append)
        assert (partial.path.read_bytes(), waits.pop()) == (content, waited)


def test_bytes_that_the_server_no_longer_has_are_fetched_anew(
    tiny: Model, hub: Any, content: bytes, tmp_path: Path
) -> None:
    """416: what is here is no part of its file, so it begins again from the start."""
    hub.cuts, hub.answers = [5000], [200, 416]
    assert fetch(tiny, hub, tmp_path).path.read_bytes() == content
    assert hub.asked_ranges == [None, "bytes=5000-", None]


def test_a_range_from_elsewhere_is_not_joined(tiny: Model, hub: Any, content: bytes, tmp_path: Path) -> None:
    """A server that gives other bytes than asked for is not believed; without ranges the file still arrives."""
    hub.cuts, hub.shift = [5000], 100
    assert fetch(tiny, hub, tmp_path).path.read_bytes() == content
    assert hub.asked_ranges == [None, "bytes=5000-", None]


def test_a_server_that_never_has_the_rest_is_given_up(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """No endless loop, whatever it answers."""
    hub.answers = [416, 503, 416, 500, 429, 416, 503]
    with pytest.raises(ModelMissingError, match="run the command again"):
        fetch(tiny, hub, tmp_path)
    assert len(hub.asked_ranges) == 5


def test_bodies_that_end_early_are_gone_on_from_after_a_pause(
    tiny: Model, hub: Any, content: bytes, tmp_path: Path
) -> None:
    """A server that gives a piece at a time is no failure as long as each brings something."""
    remote, waits = locate(tiny, endpoint=hub.endpoint), list[float]()
    hub.most = [10_000] * 8
    partial = Partial(tmp_path / "tiny.partial", source_of(remote, tiny))
    fetch_file(tiny, remote, partial, ignore, pause=waits.append)
    assert (partial.path.read_bytes(), waits) == (content, [1.0] * 8)


@pytest.mark.parametrize("ranges", [True, False], ids=["an empty range", "the same beginning again"])
def test_a_server_that_ends_early_and_says_nothing_is_given_up(
    tiny: Model, hub: Any, tmp_path: Path, ranges: bool
) -> None:
    """A body that ends cleanly before the size that was told, with nothing new in it, is an attempt that failed."""
    hub.ranges = ranges
    hub.most = [30_000, *([0] * 10 if ranges else [30_000, 20_000, 30_000, 25_000, 10_000] * 2)]
    with pytest.raises(ModelMissingError, match=r"ended tiny after .* of 104,124 bytes; run the command again"):
        fetch(tiny, hub, tmp_path)
    assert len(hub.asked_ranges) == 6


def test_a_redirect_is_followed_and_continued(tiny: Model, hub: Any, content: bytes, tmp_path: Path) -> None:
    """The hub names the digest and another host has the bytes; each attempt asks the hub first."""
    hub.moved, hub.cuts = True, [5000]
    assert fetch(tiny, hub, tmp_path).path.read_bytes() == content
    gets = [path for method, path, _ in hub.requests if method == "GET"]
    assert [path.startswith("/cdn") for path in gets] == [False, True, False, True]


PULL = """
    import sys
    from pathlib import Path
    from copilot.errors import CopilotError
    from copilot.models import Catalogue, Model, Store
    from copilot.models.pull import pull

    folder, sha256, size, revision = sys.argv[1:]
    tiny = Model("tiny", ("chat",), "maker/tiny", "tiny.gguf", revision, int(size), "Apache-2.0", 2048, sha256 or None)
    try:
        model = pull("tiny", Store(Path(folder)), Catalogue((tiny,), "tiny"), "hub")
    except CopilotError as error:
        sys.exit(f"{error.code}: {error}")
    sys.stdout.write(f"{model.status} {model.sha256}")
"""


def run_pull(model: Model, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Pull in a process of its own: the hub's client reads its environment when it is imported."""
    command = [sys.executable, "-c", textwrap.dedent(PULL), str(folder)]
    return subprocess.run(
        [*command, model.sha256 or "", str(model.bytes), model.revision],
        env={"PATH": "", "HF_HOME": str(folder / "hf"), **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pull_honours_the_configured_endpoint(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """HF_ENDPOINT names a mirror, and only that is asked: no telemetry, no update check."""
    done = run_pull(tiny, tmp_path, HF_ENDPOINT=hub.endpoint)
    assert (done.stdout, done.stderr) == (f"ok {tiny.sha256}", "")
    assert [method for method, _, _ in hub.requests] == ["HEAD", "GET"]


def test_an_unpinned_file_is_held_to_the_digest_the_hub_names(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """Nobody here published a digest, but a damaged transfer is still noticed, and the status says unpinned."""
    unpinned = replace(tiny, sha256=None)
    assert run_pull(unpinned, tmp_path / "sound", HF_ENDPOINT=hub.endpoint).stdout == f"unpinned {tiny.sha256}"
    hub.content = hub.content[:-1] + b"!"
    damaged = run_pull(unpinned, tmp_path / "damaged", HF_ENDPOINT=hub.endpoint)
    assert damaged.returncode == 1
    assert damaged.stderr.startswith("model-file: what was fetched as tiny does not have its published digest")


def test_a_body_of_another_length_is_never_installed(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """More bytes than were told do not have the digest; they are deleted, and the next pull begins anew."""
    hub.longer = 7
    failed = run_pull(tiny, tmp_path, HF_ENDPOINT=hub.endpoint)
    assert failed.stderr.startswith("model-file: what was fetched as tiny does not have its published digest")
    assert not list(tmp_path.rglob("*.gguf")) + list(tmp_path.rglob("*.partial"))
    hub.longer = 0
    assert run_pull(tiny, tmp_path, HF_ENDPOINT=hub.endpoint).stdout == f"ok {tiny.sha256}"


def test_a_file_that_changes_under_its_old_tag_is_never_installed(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """A stale tag promises the published bytes and others arrive: refused, and nothing is left to be continued."""
    content, hub.content = hub.content, hub.content[::-1]
    assert run_pull(tiny, tmp_path, HF_ENDPOINT=hub.endpoint).returncode == 1
    hub.content = content
    hub.requests.clear()
    assert run_pull(tiny, tmp_path, HF_ENDPOINT=hub.endpoint).stdout == f"ok {tiny.sha256}"
    assert hub.asked_ranges == [None]


def test_the_offline_switch_is_obeyed_and_named(tiny: Model, hub: Any, tmp_path: Path) -> None:
    """HF_HUB_OFFLINE=1 means no request at all."""
    done = run_pull(tiny, tmp_path, HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1")
    assert done.stderr.startswith("model-missing: HF_HUB_OFFLINE is set; unset it to pull tiny")
    assert hub.requests == []
