"""A model's parts out of Python wheels, already installed here or fetched one after the other by pip.

Never imports a part's package: a wheel is only a container, and its content is judged by digest by the caller.
"""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from copilot.errors import ModelFileError, ModelMissingError, UsageError
from copilot.events import Progress, Report
from copilot.models.catalogue import Model, WheelParts
from copilot.models.partial import Partial
from copilot.models.store import PART_FOLDER, part_folders

_CHUNK_BYTES = 4 << 20
_POLL_S = 0.3


def installed_parts(wheels: WheelParts, search_path: Sequence[str] | None = None) -> tuple[Path, ...] | None:
    """The part files of an installed model in order, or None unless every part is there in the exact version.

    `search_path` is where distributions are looked for, `sys.path` by default.
    """
    files = []
    for part in range(1, wheels.count + 1):
        file = _installed_part(wheels, part, list(sys.path if search_path is None else search_path))
        if file is None:
            return None
        files.append(file)
    return tuple(files)


def join_parts(model: Model, files: Iterable[Path], partial: Partial, report: Report) -> None:
    """Append installed part files to `partial`, those that are already in left out."""
    reused = partial.size
    for file in list(files)[partial.parts :]:
        with file.open("rb") as stream:
            partial.append(_blocks(stream))
        report(Progress("fetch", partial.size, model.bytes, "bytes", reused))


def pip_available() -> bool:
    """Whether this Python can run pip."""
    return importlib.util.find_spec("pip") is not None


def fetch_parts(model: Model, wheels: WheelParts, partial: Partial, report: Report) -> None:
    """Download the missing parts and append them to `partial`; on disk are never more than it and one wheel.

    pip honours the user's index, proxy and mirror. UsageError without pip, ModelMissingError when pip fails,
    ModelFileError when a wheel holds no such part.
    """
    if not pip_available():
        raise UsageError(
            f"this Python has no pip; run `{Path(sys.executable).name} -m ensurepip`, "
            f"or `copilot models pull {model.name} --source hub`"
        )
    for leftover in part_folders(partial.path.parent, model.name):
        shutil.rmtree(leftover, ignore_errors=True)
    reused = partial.size
    report(Progress("fetch", reused, model.bytes, "bytes", reused))
    for part in range(partial.parts + 1, wheels.count + 1):
        folder = tempfile.mkdtemp(prefix=f"{PART_FOLDER}{model.name}-", dir=partial.path.parent)
        try:
            base = partial.size

            def arrived(count: int, base: int = base) -> None:
                report(Progress("fetch", min(base + count, model.bytes), model.bytes, "bytes", reused))

            wheel = _download(wheels.requirement(part), Path(folder), arrived)
            partial.append(_part_of_wheel(wheel, wheels, part))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        report(Progress("fetch", partial.size, model.bytes, "bytes", reused))


def _installed_part(wheels: WheelParts, part: int, search_path: list[str]) -> Path | None:
    name = wheels.distribution(part)
    import importlib.metadata  # slow, and most commands find their model without it

    # Where there are several, Python and pip take the first for the installed one.
    distribution = next(iter(importlib.metadata.distributions(name=name, path=search_path)), None)
    if distribution is None or distribution.version != wheels.version:
        return None
    for file in distribution.files or ():
        located = Path(str(distribution.locate_file(file)))
        if wheels.is_member(part, file.as_posix()) and located.is_file():
            return located
    return None


def _download(requirement: str, folder: Path, arrived: Callable[[int], None]) -> Path:
    log = folder / "pip.log"
    # -P keeps a `pip.py` in the current directory from being run in pip's place.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--dest", str(folder), requirement]
    # pip unpacks where TMPDIR says: beside the model there is room, and what has arrived can be seen.
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with log.open("wb") as output, _running(command, environment, output) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_POLL_S)
            arrived(_largest_wheel_bytes(folder))
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        reason = _reason(log.read_text(encoding="utf-8", errors="replace"))
        raise ModelMissingError(
            f"pip could not download {requirement} ({reason}); run the command again to go on from here, "
            "or try `--source hub`"
        )
    return wheels[0]


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _largest_wheel_bytes(folder: Path) -> int:
    sizes = [0]
    # os.walk, because pip removes folders while they are being looked at and a glob would raise.
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append((Path(parent) / name).stat().st_size if name.endswith(".whl") else 0)
    return max(sizes)


def _part_of_wheel(wheel: Path, wheels: WheelParts, part: int) -> Iterator[bytes]:
    """Content of a part; the zip's own checksum has been verified when the iterator ends."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if wheels.is_member(part, name)]
            if len(members) != 1:
                raise ModelFileError(f"{wheel.name} holds no part {part} of the model; pull with `--source hub`")
            with archive.open(members[0]) as stream:
                yield from _blocks(stream)
    except zipfile.BadZipFile as exc:
        raise ModelFileError(f"{wheel.name} arrived damaged; run the command again to fetch it anew") from exc


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_CHUNK_BYTES):
        yield block


def _reason(log: str) -> str:
    """Why pip failed, in a few words; without a network its own last word is that no such package exists."""
    lines = [" ".join(line.split()) for line in log.splitlines() if line.strip()]
    if any(line.startswith("WARNING: Retrying") for line in lines):
        return "the package index cannot be reached"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1][:200]
