"""The editors there is something for: what they are called, where they keep their things, what they can show.

Does not know: what is installed, files' contents.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one user keeps settings and data, on this system."""

    home: Path
    config: Path
    data: Path

    @classmethod
    def of(cls, environment: Environment, home: Path, system: str = sys.platform) -> "Place":
        """By the environment's XDG variables, or what is usual on Windows; editors ask these as well."""
        if system == "win32":
            roaming = Path(environment.get("APPDATA") or home / "AppData/Roaming")
            return cls(home, roaming, Path(environment.get("LOCALAPPDATA") or home / "AppData/Local"))
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return cls(home, config, Path(environment.get("XDG_DATA_HOME") or home / ".local/share"))


@dataclass(frozen=True, slots=True)
class Editor:
    """One editor and what is done for it."""

    name: str
    title: str
    programs: tuple[str, ...]
    config: Callable[[Place], Path]
    """The folder of the user's configuration."""
    target: Callable[[Place], Path] | None = None
    """Where files go; None where the editor installs them itself."""
    sources: tuple[str, ...] = ()
    """What is copied from the editor's folder: folders with all that is in them, and files."""
    example: str = ""
    """The file to print: what a user adds to the configuration, or all of it."""
    owns: bool = True
    """Whether the target is ours; a user's own settings file is never replaced."""
    asks_version: bool = True
    """Whether `--version` is answered without a window."""
    shows: str = ""
    """What one can see of the copilot there."""
    then: str = ""
    """What is left to do after the files are in place."""


def _emacs_folder(place: Place) -> Path:
    """As Emacs finds it: the XDG folder only if it is there and the old places are not."""
    old = place.home / ".emacs.d"
    is_old = old.exists() or (place.home / ".emacs").exists()
    return place.config / "emacs" if not is_old and (place.config / "emacs").exists() else old


def _neovim_data(place: Place) -> Path:
    return place.data / ("nvim-data" if sys.platform == "win32" else "nvim")


def _neovim_config(place: Place) -> Path:
    return (place.data if sys.platform == "win32" else place.config) / "nvim"


def _vim_folder(place: Place) -> Path:
    return place.home / ("vimfiles" if sys.platform == "win32" else ".vim")


def _app_support(place: Place, name: str) -> Path:
    if sys.platform == "darwin":
        return place.home / "Library/Application Support" / name
    return place.config / name


def _own(name: str) -> Callable[[Place], Path]:
    return lambda place: place.data / "copilot" / "editors" / name


GHOST = "ghost text, findings with fixes, answers, status"
LISTED = "suggestions in the completion list, findings with fixes"

EDITORS = (
    Editor(
        "neovim",
        "Neovim",
        ("nvim",),
        _neovim_config,
        lambda place: _neovim_data(place) / "site/pack/copilot-offline/start/copilot-offline",
        ("plugin", "lua", "doc"),
        "example.lua",
        shows=GHOST,
        then="start nvim; :checkhealth copilot, and :helptags ALL once for :help copilot",
    ),
    Editor(
        "vim",
        "Vim",
        ("vim",),
        _vim_folder,
        lambda place: _vim_folder(place) / "pack/copilot-offline/start/copilot-offline",
        ("plugin", "autoload", "doc"),
        "example.vim",
        shows=GHOST,
        then="start vim; :Copilot status, and :helptags ALL once for :help copilot",
    ),
    Editor(
        "emacs",
        "Emacs",
        ("emacs",),
        _emacs_folder,
        lambda place: _emacs_folder(place) / "copilot-offline",
        ("lisp",),
        "example.el",
        shows=GHOST,
        then="add to your init file what `copilot editors emacs` prints",
    ),
    Editor(
        "vscode",
        "VS Code",
        ("code", "codium", "code-server"),
        lambda place: _app_support(place, "Code") / "User",
        shows=GHOST,
    ),
    Editor(
        "helix",
        "Helix",
        ("hx", "helix"),
        lambda place: place.config / "helix",
        lambda place: place.config / "helix",
        ("languages.toml",),
        "languages.toml",
        owns=False,
        shows=LISTED,
        then="`hx --health python` names the server",
    ),
    Editor(
        "zed",
        "Zed",
        ("zed", "zeditor"),
        lambda place: _app_support(place, "Zed") if sys.platform == "win32" else place.config / "zed",
        _own("zed"),
        ("extension.toml", "Cargo.toml", "src"),
        "settings.json",
        shows=LISTED,
        then="in Zed run `zed: install dev extension` and choose that folder (it is built with Rust from rustup)",
    ),
    Editor(
        "sublime",
        "Sublime Text",
        ("subl",),
        lambda place: _app_support(place, "Sublime Text" if sys.platform != "linux" else "sublime-text"),
        lambda place: (
            _app_support(place, "Sublime Text" if sys.platform != "linux" else "sublime-text") / "Packages/User"
        ),
        ("LSP.sublime-settings",),
        "LSP.sublime-settings",
        owns=False,
        shows="findings with fixes, suggestions; ghost text where LSP has it",
        then="install the package LSP from Package Control, then `LSP: Restart Server`",
    ),
    Editor(
        "kate",
        "Kate",
        ("kate",),
        lambda place: place.config / "kate",
        lambda place: place.config / "kate/lspclient",
        ("settings.json",),
        "settings.json",
        owns=False,
        shows=LISTED,
        then="turn on the plugin `LSP Client` and start Kate again",
    ),
    Editor(
        "jetbrains",
        "JetBrains IDEs",
        ("idea", "pycharm", "webstorm", "goland", "clion", "phpstorm", "rubymine", "rustrover", "rider"),
        lambda place: _app_support(place, "JetBrains"),
        _own("jetbrains"),
        ("template.json", "initializationOptions.json", "settings.json", "README.md"),
        "template.json",
        asks_version=False,
        shows="findings with fixes, suggestions; ghost text where LSP4IJ has it",
        then="install the plugin LSP4IJ; New Language Server > Import from custom template: that folder",
    ),
)


def here() -> Place:
    """The places of the user who runs this."""
    return Place.of(os.environ, Path.home())
