"""Published source archives, fetched by the registries' own clients and unpacked in the user's cache folder.

Knows nothing of what is measured on them.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs


@dataclass(frozen=True, slots=True)
class Archive:
    """A release of a project, with its whole source."""

    name: str
    version: str
    registry: Literal["pypi", "npm", "debian"] = "pypi"
    part: str = ""
    """The folder inside that holds the source, where the archive carries build products too."""

    @property
    def folder(self) -> str:
        """What it is called in the cache folder, and below `--trees`."""
        return f"{self.name}-{self.version}"

    @property
    def command(self) -> tuple[str, ...]:
        """Puts the archive, and nothing else that ends like one, into the working directory."""
        match self.registry:
            case "pypi":
                pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", self.name)
                return (*pip, f"{self.name}=={self.version}")
            case "npm":
                return ("npm", "pack", "--silent", f"{self.name}@{self.version}")
            case "debian":
                return ("apt-get", "source", "--download-only", "--tar-only", f"{self.name}={self.version}")


def cache_folder() -> Path:
    """Where the benchmarks keep what they download."""
    cache = platformdirs.user_cache_path("copilot-offline") / "bench"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def cached(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, made if it is not there; it appears only when `make` has filled its argument completely."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch, folder.name)
            make(made)
            made.replace(folder)
    return folder


def download(archives: Sequence[Archive]) -> Path:
    """The cache folder with all archives unpacked; fetches what is missing."""
    cache = cache_folder()
    for archive in archives:
        cached(cache / archive.folder, lambda folder, archive=archive: _fetch(archive, folder))  # type: ignore[misc]
    return cache


def check(folder: Path, archives: Sequence[Archive]) -> None:
    """Exits where one of them is not unpacked in `folder`."""
    for archive in archives:
        if not (folder / archive.folder).is_dir():
            sys.exit(f"{folder} has no folder {archive.folder}; leave out --trees to download it")


def say(line: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(f"{line}\n")


def run(command: Sequence[str], cwd: Path, hint: str) -> None:
    """Run a command that prepares something; exits with `hint` if it cannot."""
    try:
        code = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
    except FileNotFoundError:
        code = 127
    if code:
        sys.exit(f"{command[0]} failed (exit code {code}); {hint}")


def _fetch(archive: Archive, folder: Path) -> None:
    say(f"downloading {archive.folder}")
    packed, unpacked = folder.with_name("packed"), folder.with_name("unpacked")
    packed.mkdir()
    run(archive.command, packed, f"name a folder that holds {archive.folder} with --trees FOLDER")
    (file,) = (path for path in packed.iterdir() if path.suffixes[-2:-1] == [".tar"] or path.suffix == ".tgz")
    shutil.unpack_archive(file, unpacked, filter="data")
    (top,) = unpacked.iterdir()
    (top / archive.part).replace(folder)
