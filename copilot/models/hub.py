"""A model file from Hugging Face, in blocks, continued where the last attempt stopped.

The only module that talks to `huggingface_hub`. Its client brings endpoint, proxy, certificates and offline switch;
the blocks are kept here because its own downloads start again from zero in a new process (seen in 2.4).
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass

from copilot.errors import ModelFileError, ModelMissingError
from copilot.events import Progress, Report
from copilot.models.catalogue import Model
from copilot.models.partial import Partial

_BLOCK_BYTES = 16 << 20
_TIMEOUT_S = 30.0
_ATTEMPTS = 5
_LONGEST_WAIT_S = 60.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class _RangeRefusedError(ModelMissingError):
    """The server has no bytes from where the last attempt stopped: what is here is not a part of its file."""


class _BusyError(ModelMissingError):
    """The server asks to come back later."""

    wait_s = 0.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What the hub says about a file at a revision."""

    url: str
    etag: str
    commit: str
    size: int | None

    @property
    def sha256(self) -> str | None:
        """The hub's own digest of a large file, which is its entity tag."""
        return self.etag if _SHA256.fullmatch(self.etag) else None


def locate(model: Model, endpoint: str | None = None) -> RemoteFile:
    """Ask the hub for a file; ModelFileError if it offers other bytes than the catalogue names.

    `endpoint` overrides HF_ENDPOINT. No token is sent. ModelMissingError when the hub cannot be asked.
    """
    _quiet_client()
    import huggingface_hub

    url = huggingface_hub.hf_hub_url(model.repository, model.file, revision=model.revision, endpoint=endpoint)
    with _network_errors(model):
        found = huggingface_hub.get_hf_file_metadata(url, token=False, timeout=_TIMEOUT_S, endpoint=endpoint)
    if not found.etag or not found.commit_hash:
        raise ModelMissingError(f"{url} is not served by a Hugging Face hub; check HF_ENDPOINT and the proxy")
    remote = RemoteFile(url=url, etag=found.etag, commit=found.commit_hash, size=found.size)
    if model.sha256 is not None and (
        remote.sha256 not in (None, model.sha256) or remote.size not in (None, model.bytes)
    ):
        raise ModelFileError(
            f"{url} is not the file that was published as {model.name}; unset HF_ENDPOINT or import it"
        )
    return remote


def fetch_file(
    model: Model, remote: RemoteFile, partial: Partial, report: Report, pause: Callable[[float], None] = time.sleep
) -> None:
    """Append what is missing to `partial`, going on after broken connections as long as new bytes arrive.

    ModelMissingError when several attempts in a row came no further than those before them, whether they broke or
    ended early; what arrived stays for the next run.
    """
    reused = furthest = partial.size
    total = remote.size or model.bytes
    report(Progress("fetch", reused, total, "bytes", reused))

    def arrived(offset: int) -> None:
        report(Progress("fetch", partial.size, total, "bytes", min(reused, offset)))

    failures = 0
    while remote.size is None or partial.size < remote.size:
        try:
            _append_answer(model, remote, partial, arrived)
            if remote.size is None:
                break
            if partial.size < remote.size:
                raise ModelMissingError(
                    f"Hugging Face ended {model.name} after {partial.size:,} of {remote.size:,} bytes; "
                    f"run the command again to go on, or {_by_hand(model)}"
                )
        except ModelMissingError as error:
            failures = 0 if partial.size > furthest else failures + 1
            furthest = max(furthest, partial.size)
            if failures >= _ATTEMPTS:
                raise
            if isinstance(error, _RangeRefusedError):
                partial.restart()
            pause(max(2.0**failures, _asked_to_wait_s(error)))


def _append_answer(model: Model, remote: RemoteFile, partial: Partial, arrived: Callable[[int], None]) -> None:
    """Append what one answer brings, all of it anew where the server begins at the start."""
    with contextlib.closing(_blocks_from(partial.size, model, remote)) as blocks:
        for offset, block in blocks:
            if offset < partial.size:
                partial.restart()
            partial.append([block])
            arrived(offset)


def source_of(remote: RemoteFile, model: Model) -> str:
    """Names the exact bytes, for the journal: another commit or tag is never continued."""
    return f"hub {model.repository} {remote.commit} {model.file} {remote.etag}"


def _blocks_from(start: int, model: Model, remote: RemoteFile) -> Generator[tuple[int, bytes], None, None]:
    """Yield (offset, content) from `start`, or from 0 if the server cannot go on in the middle.

    A broken stream still gives what had arrived before it raises ModelMissingError.
    """
    import huggingface_hub

    headers = {"accept-encoding": "identity"}
    if start:
        headers["range"] = f"bytes={start}-"
    request = huggingface_hub.get_session().stream(
        "GET", remote.url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=True
    )
    with _network_errors(model), request as response:
        _check_status(response.status_code, response.headers, model, start)
        offset = start if response.status_code == 206 else 0
        gathered = bytearray()
        try:
            # No chunk size: with one, the client keeps back what a broken connection had delivered.
            for chunk in response.iter_bytes():
                gathered += chunk
                if len(gathered) >= _BLOCK_BYTES:
                    yield offset, bytes(gathered)
                    offset += len(gathered)
                    gathered.clear()
        except _transport_errors():
            if gathered:
                yield offset, bytes(gathered)
            raise
        if gathered:
            yield offset, bytes(gathered)


def _check_status(status: int, headers: Mapping[str, str], model: Model, start: int) -> None:
    """Raise unless what follows are the bytes from `start`, or from 0 in an answer without ranges."""
    if status == 416 and start:
        raise _RangeRefusedError(f"Hugging Face has no bytes from {start:,} of {model.name}; run the command again")
    if status not in (200, 206):
        busy = _BusyError(f"Hugging Face answered {status} for {model.name}; run the command again later to go on")
        wait = headers.get("retry-after", "")
        busy.wait_s = min(float(wait), _LONGEST_WAIT_S) if wait.isdecimal() else 0.0
        raise busy
    told = _CONTENT_RANGE.match(headers.get("content-range", ""))
    if status == 206 and (told is None or int(told[1]) != start):
        raise _RangeRefusedError(f"Hugging Face sent other bytes of {model.name} than asked for; run the command again")


def _asked_to_wait_s(error: ModelMissingError) -> float:
    return error.wait_s if isinstance(error, _BusyError) else 0.0


def _transport_errors() -> tuple[type[Exception], ...]:
    """What the hub's HTTP library raises, without naming the library: it changed between 1.x and 2.x."""
    from huggingface_hub.errors import HfHubHTTPError

    return tuple(base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception))


@contextlib.contextmanager
def _network_errors(model: Model) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    by_hand = _by_hand(model)
    try:
        yield
    except OfflineModeIsEnabled as exc:
        raise ModelMissingError(f"HF_HUB_OFFLINE is set; unset it to pull {model.name}, or {by_hand}") from exc
    except HfHubHTTPError as exc:
        status = exc.response.status_code
        raise ModelMissingError(f"Hugging Face answered {status} for {model.name}; try later, or {by_hand}") from exc
    except _transport_errors() as exc:
        reason = " ".join(str(exc).split())[:160] or type(exc).__name__
        raise ModelMissingError(
            f"Hugging Face cannot be reached ({reason}); check the network and run the command again, "
            f"set HF_ENDPOINT to a mirror, or {by_hand}"
        ) from exc


def _by_hand(model: Model) -> str:
    return f"fetch {model.repository}/{model.file} by hand and run `copilot models import FILE`"


def _quiet_client() -> None:
    """Must run before the first import: the client reads these switches only then."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_UPDATE_CHECK", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
