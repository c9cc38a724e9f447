"""`python -m copilot.host`: the engine's process. A client starts it; it takes its orders from stdin."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from copilot.host.detach import detach

if TYPE_CHECKING:
    from copilot.engine.base import Session


def main() -> None:
    detach()
    from copilot.host.run import run

    run(build)


def build(values: Mapping[str, object]) -> "Session":
    """The session these settings lead to, in this process. What it needs is imported only once the host is alone."""
    from copilot.app import App
    from copilot.config import Settings

    app = App(Settings.from_values(values))
    return app.local_session(app.served_model())


if __name__ == "__main__":
    main()
