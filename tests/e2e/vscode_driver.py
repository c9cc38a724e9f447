"""One sitting with the extension in VS Code, without a network: `unshare --net python vscode_driver.py PLAN`.

PLAN is a JSON file that says where everything is; what was seen goes to `seen.json` beside it, and to a picture of each
step. Does not know: what should have been seen.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import FrameLocator, Page, sync_playwright

PORT = 8771
PATIENCE_MS = 60_000
EDITOR = ".editor-instance .monaco-editor"
GHOST = f"{EDITOR} [class*=ghost-text]"
SIOCSIFFLAGS, IFF_UP_AND_RUNNING = 0x8914, 0x41


def main(plan_path: Path) -> int:
    plan = json.loads(plan_path.read_text())
    seen: dict[str, Any] = {}
    raise_loopback()
    try:
        seen["network"] = has_network()
        with code_server(plan), browser(plan) as page:
            sit(Sitting(page, plan, plan_path.parent), seen)
    except Exception:
        seen["failed"] = traceback.format_exc()
    (plan_path.parent / "seen.json").write_text(json.dumps(seen))
    return 1 if "failed" in seen else 0


class Sitting:
    """A user's hands and eyes."""

    def __init__(self, page: Page, plan: dict[str, Any], folder: Path) -> None:
        self.page = page
        self.root = Path(plan["root"])
        self.script = Path(plan["script"])
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

    def ghost(self) -> str:
        """The ghost text, when it is there."""
        self.page.wait_for_selector(GHOST, timeout=PATIENCE_MS)
        return "".join(self.page.locator(GHOST).all_text_contents()).replace("\u00a0", " ")

    @property
    def chat(self) -> FrameLocator:
        return self.page.frame_locator("iframe.webview").frame_locator("#active-frame")

    def ask(self, question: str) -> None:
        self.chat.locator("#question").fill(question)
        self.chat.locator("#question").press("Enter")

    def status(self) -> str:
        return self.page.locator('.statusbar-item[id*="copilot-offline.status"]').inner_text().strip()

    def server(self) -> int:
        """The process of the language server."""
        text = (self.script / "pid").read_text().strip() if (self.script / "pid").exists() else ""
        return int(text or 0)


def sit(user: Sitting, seen: dict[str, Any]) -> None:
    """Everything, in the order a user would do it; each step leaves the next one a place to begin."""
    for step in (suggestion, finding, answer, citation, stop, crash, quick_fix, defeat):
        began = time.monotonic()
        try:
            seen[step.__name__] = step(user)
        finally:
            user.picture(step.__name__)
            seen.setdefault("seconds", {})[step.__name__] = round(time.monotonic() - began, 1)


def suggestion(user: Sitting) -> dict[str, Any]:
    """Type, see ghost text, take it."""
    user.open("lines.py")
    until(lambda: user.server() > 0)
    user.page.locator('.statusbar-item[id*="copilot-offline.status"] .codicon-book').wait_for(timeout=PATIENCE_MS)
    user.page.click(f"{EDITOR} .view-lines")
    user.go_to(8)
    user.page.keyboard.type("    return ")
    ghost = user.ghost()
    user.picture("ghost")
    user.page.keyboard.press("Tab")
    user.page.wait_for_selector(GHOST, state="detached")
    user.says(suggestion="")
    saved = user.save("lines.py", lambda text: "TIMEOUT_S)" in text)
    return {"ghost": ghost, "saved": saved, "status": user.status()}


def finding(user: Sitting) -> dict[str, Any]:
    """Write something wrong, save, look at the problems."""
    user.go_to(8)
    user.page.keyboard.type("    if port is 443:\n        host = f'tls:{host}'\n")
    user.save("lines.py", lambda text: "443" in text)
    user.page.wait_for_selector(f"{EDITOR} .squiggly-warning", timeout=PATIENCE_MS)
    user.page.keyboard.press("Control+Shift+M")
    row = user.page.locator(".markers-panel .monaco-list-row:has(.marker-source)").first
    row.wait_for(timeout=PATIENCE_MS)
    return {"problem": row.inner_text().replace("\u00a0", " ")}


def answer(user: Sitting) -> dict[str, Any]:
    """Ask in the view."""
    user.command("Ask About This Repository")
    question = user.chat.locator("#question")
    question.wait_for(timeout=PATIENCE_MS)
    user.ask("What happens when a line cannot be opened?")
    user.chat.locator("article[data-state=done]").wait_for(timeout=PATIENCE_MS)
    article = user.chat.locator("article")
    return {
        "text": article.locator(".answer").inner_text(),
        "cited": article.locator(".answer a.citation").all_text_contents(),
        "sources": article.locator(".sources a").all_text_contents(),
        "code": article.locator("pre code").all_text_contents(),
        "made": article.locator(".answer :is(script, img, iframe, b)").count(),
        "focused": question.evaluate("each => each === document.activeElement"),
    }


def citation(user: Sitting) -> dict[str, Any]:
    """Follow a citation with the keyboard."""
    user.chat.locator(".answer a.citation").first.focus()
    user.page.keyboard.press("Enter")
    user.page.wait_for_selector('.tab.active:has-text("mail.py")', timeout=PATIENCE_MS)
    place = user.page.locator('.statusbar-item[id="status.editor.selection"]')
    place.wait_for()
    return {"place": place.inner_text()}


def stop(user: Sitting) -> dict[str, Any]:
    """Stop an answer that takes long."""
    user.says(answer="word " * 2000)
    user.ask("Tell me everything!")
    user.chat.locator("article[data-state=running] .answer", has_text="word").wait_for(timeout=PATIENCE_MS)
    user.chat.locator("#question").press("Escape")
    article = user.chat.locator("article[data-state=stopped]")
    article.wait_for(timeout=PATIENCE_MS)
    until(lambda: user.chat.locator("#send").is_visible())
    return {"words": article.locator(".answer").inner_text().count("word"), "end": article.locator(".end").inner_text()}


def crash(user: Sitting) -> dict[str, Any]:
    """Kill the server and go on with the same conversation."""
    before = user.server()
    os.kill(before, signal.SIGKILL)
    until(lambda: user.server() not in (0, before))
    user.says(answer="Still here.")
    user.ask("And now?")
    last = user.chat.locator("article[data-state=done]").nth(1)
    last.wait_for(timeout=PATIENCE_MS)
    return {"restarted": user.server() != before, "text": last.locator(".answer").inner_text()}


def quick_fix(user: Sitting) -> dict[str, Any]:
    """Have the finding mended."""
    user.page.click('.tab:has-text("lines.py")')
    user.page.wait_for_selector(f"{EDITOR} .squiggly-warning", timeout=PATIENCE_MS)
    user.page.click(f"{EDITOR} .view-lines")
    user.go_to(8, 10)
    user.page.wait_for_selector(".lightBulbWidget", timeout=PATIENCE_MS)
    user.page.keyboard.press("Control+.")
    entries = user.page.locator(".action-widget .monaco-list-row.action")
    entries.first.wait_for(timeout=PATIENCE_MS)
    user.picture("menu")
    titles = entries.all_inner_texts()
    entries.filter(has_text="Fix:").first.click()
    saved = user.save("lines.py", lambda text: "== 443" in text)
    user.page.wait_for_selector(f"{EDITOR} .squiggly-warning", state="detached", timeout=PATIENCE_MS)
    return {"titles": titles, "saved": saved}


def defeat(user: Sitting) -> dict[str, Any]:
    """A server that does not start any more."""
    (user.script / "broken").write_text("the disk is full")
    os.kill(user.server(), signal.SIGKILL)
    message = user.page.locator(".notification-toast", has_text="in a row")
    message.wait_for(timeout=PATIENCE_MS)
    return {
        "message": message.inner_text(),
        "messages": user.page.locator(".notification-toast").count(),
        "starts": (user.script / "starts").read_text().count("start"),
        "problem": user.chat.locator("#problem").inner_text(),
    }


# -- what has to be there ------------------------------------------------------------------------------------------


@contextmanager
def code_server(plan: dict[str, Any]) -> Iterator[None]:
    """code-server with the extension in a fresh profile."""
    command = [plan["node"], plan["entry"], "--user-data-dir", plan["profile"], "--extensions-dir", plan["extensions"]]
    environment = os.environ | {"XDG_CONFIG_HOME": plan["profile"], "HOME": plan["profile"]}
    with Path(plan["log"]).open("w") as log:
        installing = [*command, "--install-extension", plan["vsix"]]
        subprocess.run(installing, env=environment, stdout=log, stderr=log, check=True)
        serving = ["--auth", "none", "--bind-addr", f"127.0.0.1:{PORT}", "--disable-telemetry"]
        serving += ["--disable-update-check", "--disable-workspace-trust", plan["root"]]
        process = subprocess.Popen(
            [*command, *serving], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until(is_healthy)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


@contextmanager
def browser(plan: dict[str, Any]) -> Iterator[Page]:
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        chromium = playwright.chromium.launch(executable_path=plan["chromium"], args=options)
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"http://127.0.0.1:{PORT}/?folder={plan['root']}", wait_until="domcontentloaded")
        page.wait_for_selector(".explorer-folders-view .monaco-list-row", timeout=PATIENCE_MS)
        yield page
        chromium.close()


def is_healthy() -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=5):
            return True
    except OSError:
        return False


def raise_loopback() -> None:
    """A new namespace has a loopback device, but it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP_AND_RUNNING))


def has_network() -> bool:
    """Whether there is any device but the loopback."""
    return [name for _, name in socket.if_nameindex()] != ["lo"]


def until(condition: Callable[[], bool], seconds: float = PATIENCE_MS / 1000) -> None:
    """Wait for a condition, but not for ever: what comes next tells what is missing."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
