"""Checks of the disk: room, rights, the health of what is cached, and the model files."""

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from copilot.errors import CopilotError, ModelFileError
from copilot.models import Catalogue, Store, glance, require_usable
from copilot.models.store import gigabytes
from copilot.tasks.doctor.check import GIB, Check

LOW_DISK_BYTES = 4 << 30
_DATABASES = ("index/index.sqlite3", "reviews/findings.sqlite3")


def folder(name: str, path: Path) -> Check:
    """Whether a folder is there or can be made, may be written, and has room."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists() or parent.is_symlink())
    if not existing.is_dir():
        return Check(name, "problem", f"{existing} is no folder", f"remove it, or name another {name}")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check(name, "problem", f"{path} is not writable", f"mend the rights of {existing}")
    free = shutil.disk_usage(existing).free
    found = f"{path}, {free / GIB:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        setting = "cache_quota_gib lower" if name == "cache" else "models_dir to another disk"
        return Check(name, "warning", found, f"free some disk space, or set {setting}")
    return Check(name, "ok", found)


def cache_health(path: Path, quota_bytes: int) -> Check:
    """Whether what is kept can be read, is private, and keeps its quota."""
    if not path.is_dir():
        return Check("cache health", "ok", "nothing is kept yet")
    broken = [name for name in _DATABASES if (path / name).is_file() and not _sound(path / name)]
    if broken:
        cure = "run `copilot cache clear`; it is built anew"
        return Check("cache health", "warning", f"{', '.join(broken)} cannot be read", cure)
    if any(_is_open(each) for each in path.iterdir()) and _is_open(path):
        return Check("cache health", "warning", f"others may read what is in {path}", f"chmod 700 {path}")
    kept = sum(file.stat().st_size for file in (path / "kv").rglob("*") if file.is_file())
    found = f"{kept / GIB:.1f} of {quota_bytes / GIB:.1f} GiB of stored KV"
    if kept > quota_bytes + GIB:
        return Check("cache health", "warning", found, "run `copilot cache clear`, or set cache_quota_gib higher")
    return Check("cache health", "ok", found)


def _is_open(path: Path) -> bool:
    """Whether anybody but the user may look into a file or folder."""
    return os.name != "nt" and bool(stat.S_IMODE(path.lstat().st_mode) & 0o077)


def _sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            return bool(database.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error as error:
        return "locked" in str(error)


def model_files(store: Store, catalogue: Catalogue) -> list[Check]:
    """Installed files that must not be used, and downloads that were not finished."""
    checks = []
    try:
        names, unfinished = store.names(), sorted(store.staging.glob("*.partial"))
        for name in names:
            try:
                require_usable(glance(name, store, catalogue))
            except ModelFileError as error:
                checks.append(Check("model files", "problem", f"{name} must not be used", str(error)))
    except OSError as error:
        return [Check("model files", "problem", f"{store.folder}: {error.strerror}", "mend the rights of the folder")]
    except CopilotError as error:
        return [Check("model files", "problem", f"{store.folder} cannot be read", str(error))]
    for path in unfinished:
        cure = f"`copilot models pull {path.stem}` goes on, `copilot models remove {path.stem}` drops it"
        checks.append(Check("model files", "warning", f"{path.stem}: {gigabytes(path.stat().st_size)} arrived", cure))
    return checks or [Check("model files", "ok", ", ".join(names) or "none installed")]
