"""VS Code as its user has it before them: code-server in Chromium, spoken to through Playwright.

Does not know: what is done with it, what should be seen.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import FrameLocator, Page, sync_playwright

PATIENCE_MS = 60_000
EDITOR = ".editor-instance .monaco-editor"
GHOST = f"{EDITOR} [class*=ghost-text]"


class Window:
    """A user's hands and eyes."""

    def __init__(self, page: Page, plan: dict[str, Any], folder: Path) -> None:
        self.page = page
        self.root = Path(plan["root"])
        self.script = Path(plan["script"])
        self._settings = Path(plan["profile"]) / "Machine" / "settings.json"
        self._folder = folder

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self._folder / f"{name}.png")

    def says(self, **script: str) -> None:
        """What the engine answers from now on."""
        path, fresh = self.script / "script.json", self.script / "script.json.new"
        fresh.write_text(json.dumps(json.loads(path.read_text()) | script))
        fresh.replace(path)

    def command(self, title: str) -> None:
        """Run a command of the palette."""
        self.page.keyboard.press("F1")
        self.page.wait_for_selector(".quick-input-widget input")
        self.page.keyboard.type(title)
        self.page.locator(".quick-input-list .monaco-list-row", has_text=title).first.click()

    def open(self, name: str) -> None:
        """Open a file of the explorer."""
        self.page.dblclick(f'.explorer-folders-view .monaco-list-row:has-text("{name}")')
        self.page.wait_for_selector(f'.tab.active:has-text("{name}")')
        self.page.wait_for_selector(f"{EDITOR} .view-lines")

    def open_path(self, path: Path) -> None:
        """Open a file of anywhere by its path."""
        self.command("File: Open File...")
        box = self.page.locator(".quick-input-widget input")
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=path.name)

        def is_listed() -> bool:
            box.fill(
                f"{path.parent}/"
            )  # again where the dialog, once it has listed its first folder, went back to that
            until(row.is_visible, seconds=3)
            return row.is_visible()

        until(is_listed)
        row.click()
        self.page.wait_for_selector(f'.tab.active:has-text("{path.name}")')
        self.page.wait_for_selector(f"{EDITOR} .view-lines")

    def go_to(self, line: int, column: int = 1) -> None:
        self.page.keyboard.press("Control+G")
        self.page.wait_for_selector(".quick-input-widget input")
        self.page.keyboard.type(f"{line}:{column}")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".quick-input-widget", state="hidden")

    def save(self, path: str, wanted: Callable[[str], bool]) -> str:
        """Save, and return the file once it is as wanted or it is too late."""
        self.page.keyboard.press("Control+S")
        until(lambda: wanted((self.root / path).read_text()))
        return (self.root / path).read_text()

    def line(self, start: str) -> str:
        """A line of the editor by its start, as it is shown; "" if there is none."""
        lines = [text.replace("\u00a0", " ") for text in self.page.locator(f"{EDITOR} .view-line").all_inner_texts()]
        return next((text.rstrip() for text in lines if text.startswith(start)), "")

    def ghost(self) -> str:
        """The ghost text, when it is there."""
        self.page.wait_for_selector(GHOST, timeout=PATIENCE_MS)
        return "".join(self.page.locator(GHOST).all_text_contents()).replace("\u00a0", " ")

    @property
    def chat(self) -> FrameLocator:
        return self.page.frame_locator("iframe.webview").frame_locator("#active-frame")

    def ask(self, question: str) -> None:
        """Ask in the view; what is typed while it is being given the focus may go astray, which a user would see."""
        field = self.chat.locator("#question")

        def is_written() -> bool:
            field.fill(question)
            return field.input_value() == question

        def is_sent() -> bool:
            field.press("Enter")
            return field.input_value() == ""

        until(is_written)
        until(is_sent)

    def heard(self) -> list[dict[str, Any]]:
        """What the engine was asked."""
        path = self.script / "heard.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def toasts(self) -> list[str]:
        """The messages that are shown."""
        return self.page.locator(".notification-toast .notification-list-item-message").all_inner_texts()

    def message(self, words: str) -> str:
        """The message with some words, when it is there."""
        toast = self.page.locator(".notification-toast", has_text=words)
        toast.wait_for(timeout=PATIENCE_MS)
        return str(toast.inner_text())

    def clear_messages(self) -> None:
        self.command("Notifications: Clear All Notifications")
        until(lambda: not self.toasts())

    def set_program(self, path: Path) -> None:
        """Change the setting of the machine that names the program `copilot`."""
        self._settings.write_text(json.dumps({"copilot-offline.path": str(path)}))

    def status(self) -> str:
        return self.page.locator('.statusbar-item[id*="copilot-offline.status"]').inner_text().strip()

    def server(self) -> int:
        """The process of the language server."""
        text = (self.script / "pid").read_text().strip() if (self.script / "pid").exists() else ""
        return int(text or 0)


@contextmanager
def code_server(plan: dict[str, Any]) -> Iterator[str]:
    """The address of a code-server with the extension in a fresh profile."""
    port = free_port()
    command = [plan["node"], plan["entry"], "--user-data-dir", plan["profile"], "--extensions-dir", plan["extensions"]]
    environment = os.environ | {"XDG_CONFIG_HOME": plan["profile"], "HOME": plan["profile"]}
    with Path(plan["log"]).open("w") as log:
        installing = [*command, "--install-extension", plan["vsix"]]
        subprocess.run(installing, env=environment, stdout=log, stderr=log, check=True)
        serving = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry"]
        serving += ["--disable-update-check", "--disable-workspace-trust", plan["root"]]
        process = subprocess.Popen(
            [*command, *serving], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until(lambda: is_healthy(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


@contextmanager
def browser(plan: dict[str, Any], address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        chromium = playwright.chromium.launch(executable_path=plan["chromium"], args=options)
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/?folder={plan['root']}", wait_until="domcontentloaded")
        page.wait_for_selector(".explorer-folders-view .monaco-list-row", timeout=PATIENCE_MS)
        yield page
        chromium.close()


def is_healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def until(condition: Callable[[], bool], seconds: float = PATIENCE_MS / 1000) -> None:
    """Wait for a condition, but not for ever: what comes next tells what is missing."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
