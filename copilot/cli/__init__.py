"""The command line: parse, call one task, render. Commands are imported when they are called."""

import atexit
import gc
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from copilot import __version__
from copilot.cli.render import clean
from copilot.errors import CopilotError

COMMANDS = {
    "ask": "Answer a question about a repository.",
    "cache": "What is kept on disk, and removing it.",
    "chat": "Talk about a repository, each question knowing those before it.",
    "complete": "What could stand at a place in a file.",
    "config": "The settings in force.",
    "doctor": "Check this machine and say what to do about each problem.",
    "editors": "Which editors are here, and setting one up.",
    "hook": "Review before each commit.",
    "host": "The engine's process: how it is, its log, and stopping it.",
    "lsp": "The language server, for editors.",
    "models": "Model files: list, pull, find, import, verify, remove, path.",
    "pack": "The repository as the model would see it.",
    "review": "Review a change.",
    "search": "Ranked places in a repository; needs no model.",
    "warm": "Read a repository once and keep it for every later question.",
}
INTERRUPTED = 130
_VALUES_PER_COLLECTION = 1_000_000


class LazyGroup(click.Group):
    """Knows its commands by name; imports the module of the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = getattr(import_module(f"copilot.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="copilot")
def copilot() -> None:
    """An offline coding copilot: it reads a whole repository once and answers from it, on this machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Errors are one line on stderr, and JSON on stdout where asked for."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    # Indexing makes millions of values and no cycles; to look for those every 700 values takes a tenth of the time.
    gc.set_threshold(_VALUES_PER_COLLECTION)
    atexit.register(gc.freeze)  # nor to look for them once more when all is done
    try:
        code = copilot.main(given, prog_name="copilot", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(clean(error.format_message()), err=True)
        return 2
    except click.ClickException as error:
        return _failed("usage", error.format_message(), 2, given)
    except CopilotError as error:
        return _failed(error.code, str(error), error.exit_code, given)
    except (KeyboardInterrupt, click.Abort):
        return _failed("interrupted", "interrupted; what was read is kept", INTERRUPTED, given)
    except (BrokenPipeError, SystemExit):  # SystemExit is click's own answer to a closed pipe
        return _left_alone()
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _failed("environment", f"{what}; `copilot doctor` checks folders and rights", 2, given)


def _prepare_streams() -> None:
    """Have streams that take any text: a closed one is replaced, unknown characters become question marks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the whole run
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _left_alone() -> int:
    """Nobody reads stdout any more; keep the interpreter from complaining when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _failed(code: str, message: str, exit_code: int, given: Sequence[str]) -> int:
    line = clean(" ".join(message.split()))
    click.echo(f"copilot: {line}", err=True)
    options = given[: given.index("--")] if "--" in given else given
    if "--json" in options or "--format=json" in options or ("--format" in options and "json" in options):
        click.echo(json.dumps({"error": {"code": code, "message": line}}))
    return exit_code
