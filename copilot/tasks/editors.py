"""Setting up editors: which are here, what each needs, and putting its files in place without losing anybody's.

Does not know: which editors there are, command lines.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import copilot
from copilot.errors import UsageError
from copilot.tasks.editor_catalogue import EDITORS, Editor, Place

State = Literal["new", "same", "different"]
PROGRAM = "copilot"
VERSION_S = 5.0
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")
# The program's name in a configuration, before its argument: `"copilot", "lsp"`, `copilot lsp` and the like.
_PROGRAM = re.compile(r"""(?<![\w/-])copilot(?=(?:["'],? ?["']|["'], "arguments": \["|"\nargs = \["| )lsp\b)""")


@dataclass(frozen=True, slots=True)
class Detected:
    """An editor and whether it is on this machine."""

    editor: Editor
    program: Path | None
    version: str | None
    config: Path
    has_config: bool
    is_set_up: bool
    """All of its files are in place as this version has them."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to be put in place."""

    source: Path
    target: Path
    content: bytes
    """Of the source; in a configuration the program has its full path where the plain name is not found."""
    state: State


def files_folder() -> Path:
    """The folder with a folder of files per editor: in the installed package, or beside it in a checkout."""
    package = Path(copilot.__file__).parent
    packaged = package / "editor_files"
    return packaged if packaged.is_dir() else package.parent / "editors"


def editor_named(name: str) -> Editor:
    """UsageError names those there are."""
    for editor in EDITORS:
        if editor.name == name:
            return editor
    names = ", ".join(editor.name for editor in EDITORS)
    raise UsageError(f"there is nothing for an editor {name!r}; there is for {names}")


def detect(place: Place) -> list[Detected]:
    """Every known editor, installed or not, in the catalogue's order."""
    with ThreadPoolExecutor(len(EDITORS)) as pool:
        return list(pool.map(lambda editor: _detected(editor, place), EDITORS))


def _detected(editor: Editor, place: Place) -> Detected:
    program = next((Path(found) for name in editor.programs if (found := shutil.which(name))), None)
    version = version_of(program) if program is not None and editor.asks_version else None
    config = editor.config(place)
    files = planned(editor, place)
    is_set_up = bool(files) and all(file.state == "same" for file in files)
    return Detected(editor, program, version, config, config.is_dir(), is_set_up)


def version_of(program: Path) -> str | None:
    """What a program says of its version; None if it says nothing in time."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=VERSION_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    return found[0] if found else None


def planned(editor: Editor, place: Place) -> list[PlannedFile]:
    """The files of an editor, where they go, and what is there now; sorted by target."""
    if editor.target is None:
        return []
    folder, target = files_folder() / editor.name, editor.target(place)
    found = []
    for source in _sources(folder, editor.sources):
        aim = target / source.relative_to(folder)
        content = _configuration(source).encode() if source.name == editor.example else source.read_bytes()
        found.append(PlannedFile(source, aim, content, _state(content, aim)))
    return sorted(found, key=lambda file: file.target)


def example(editor: Editor) -> str:
    """What a user adds to the editor's configuration."""
    if not editor.example:
        return ""
    return _configuration(files_folder() / editor.name / editor.example)


def _configuration(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{path} cannot be read ({exc.strerror}); install copilot-offline again") from exc
    program = named_program()
    return text if program == PROGRAM else _PROGRAM.sub(lambda _: program, text)


def named_program() -> str:
    """How an editor is to call this program: by its plain name if that is found, else by its full path."""
    if shutil.which(PROGRAM) is not None:
        return PROGRAM
    beside = Path(sys.executable).with_name("copilot.exe" if sys.platform == "win32" else PROGRAM)
    return beside.as_posix() if beside.is_file() else PROGRAM


def extension_of(editor: Editor) -> Path | None:
    """The extension that the editor installs itself, where this package brings one."""
    return next(iter(sorted((files_folder() / editor.name).glob("*.vsix"))), None)


def write(editor: Editor, files: Sequence[PlannedFile]) -> list[Path]:
    """Put files in place, over what is there; returns what was written. A user's own settings file is not replaced."""
    changed = [file for file in files if file.state != "same"]
    if not editor.owns and (kept := [file for file in changed if file.state == "different"]):
        raise UsageError(
            f"{kept[0].target} has settings of yours; add to it what `copilot editors {editor.name}` prints"
        )
    for file in changed:
        _put(file.content, file.target)
    return [file.target for file in changed]


def _put(content: bytes, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.copilot")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as exc:
        with suppress(OSError):
            temporary.unlink()
        raise UsageError(f"{target} cannot be written ({exc.strerror}); mend the rights of {target.parent}") from exc


def _sources(folder: Path, names: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = folder / name
        found += [path] if path.is_file() else [each for each in path.rglob("*") if _is_ours(each)]
    return sorted(found)


def _is_ours(path: Path) -> bool:
    """Not what editors make beside the files: help tags, byte-compiled Lisp."""
    return path.is_file() and path.name != "tags" and path.suffix != ".elc"


def _state(content: bytes, target: Path) -> State:
    try:
        return "same" if target.read_bytes() == content else "different"
    except (FileNotFoundError, NotADirectoryError):
        return "new"
    except OSError:
        return "different"
