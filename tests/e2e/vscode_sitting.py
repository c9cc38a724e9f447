"""One sitting with the extension in VS Code: `unshare --net python -m tests.e2e.vscode_sitting PLAN`.

PLAN is a JSON file that says where everything is; what was seen goes to `seen.json` beside it, and to a picture of each
step. Does not know: what should have been seen.
"""

import fcntl
import json
import os
import re
import signal
import socket
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.e2e.vscode_window import EDITOR, GHOST, PATIENCE_MS, Window, browser, code_server, until

SIOCSIFFLAGS, IFF_UP_AND_RUNNING = 0x8914, 0x41


def main(plan_path: Path) -> int:
    plan = json.loads(plan_path.read_text())
    seen: dict[str, Any] = {}
    try:
        if plan["is_alone"]:
            raise_loopback()
        seen["network"] = has_network()
        with code_server(plan) as address, browser(plan, address) as page:
            sit(Window(page, plan, plan_path.parent), seen)
    except Exception:
        seen["failed"] = traceback.format_exc()
    (plan_path.parent / "seen.json").write_text(json.dumps(seen))
    return 1 if "failed" in seen else 0


def sit(user: Window, seen: dict[str, Any]) -> None:
    """Everything, in the order a user would do it; each step leaves the next one a place to begin."""
    steps = (
        suggestion, parts, finding, answer, selection, citation, stop, crash, quick_fix, dark, outside, huge, missing,
        old, defeat,
    )  # fmt: skip
    for step in steps:
        began = time.monotonic()
        try:
            seen[step.__name__] = step(user)
        finally:
            user.picture(step.__name__)
            seen.setdefault("seconds", {})[step.__name__] = round(time.monotonic() - began, 1)


def suggestion(user: Window) -> dict[str, Any]:
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


def parts(user: Window) -> dict[str, Any]:
    """Take a word, type along, take the rest of the line; nothing of it is kept."""
    user.open("mail.py")
    user.says(suggestion="alpha beta(gamma)")
    user.page.click(f"{EDITOR} .view-lines")
    user.page.keyboard.press("Control+End")
    user.page.keyboard.type("x = ")
    user.ghost()
    user.says(suggestion="")
    user.page.keyboard.press("Control+ArrowRight")
    until(lambda: user.line("x = ").startswith("x = alpha"))
    rest = user.ghost()
    user.page.keyboard.type(" be")
    user.page.wait_for_selector(f'{GHOST}:has-text("ta(gamma)")')
    time.sleep(1)  # an answer of the engine, which has nothing more to say, would take the rest away
    along = user.ghost()
    user.picture("typed_along")
    user.page.keyboard.press("Control+Alt+ArrowRight")
    until(lambda: user.line("x = ") == "x = alpha beta(gamma)")
    whole = user.line("x = ")
    user.command("File: Revert File")
    until(lambda: not user.line("x = "))
    user.command("View: Close Editor")
    user.page.wait_for_selector('.tab:has-text("mail.py")', state="detached")
    return {"rest": rest, "along": along, "whole": whole}


def finding(user: Window) -> dict[str, Any]:
    """Write something wrong, save, look at the problems."""
    user.go_to(8)
    user.page.keyboard.type("    if port is 443:\n        host = f'tls:{host}'\n")
    user.save("lines.py", lambda text: "443" in text)
    user.page.wait_for_selector(f"{EDITOR} .squiggly-warning", timeout=PATIENCE_MS)
    user.page.keyboard.press("Control+Shift+M")
    row = user.page.locator(".markers-panel .monaco-list-row:has(.marker-source)").first
    row.wait_for(timeout=PATIENCE_MS)
    return {"problem": row.inner_text().replace("\u00a0", " ")}


def answer(user: Window) -> dict[str, Any]:
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


def selection(user: Window) -> dict[str, Any]:
    """Ask about some lines of the editor."""
    user.page.click('.tab:has-text("lines.py")')
    user.page.click(f"{EDITOR} .view-lines")
    user.go_to(6)
    user.page.keyboard.press("Shift+ArrowDown")
    user.command("Ask About the Selection")
    user.chat.locator("#about", has_text="lines.py:6").wait_for(timeout=PATIENCE_MS)
    user.ask("Why this?")
    user.chat.locator("article[data-state=done]").nth(1).wait_for(timeout=PATIENCE_MS)
    return {"turn": [each["turn"] for each in user.heard() if "turn" in each][-1]}


def citation(user: Window) -> dict[str, Any]:
    """Follow a citation with the keyboard."""
    user.chat.locator(".answer a.citation").first.focus()
    user.page.keyboard.press("Enter")
    user.page.wait_for_selector('.tab.active:has-text("mail.py")', timeout=PATIENCE_MS)
    place = user.page.locator('.statusbar-item[id="status.editor.selection"]')
    place.wait_for()
    return {"place": place.inner_text()}


def stop(user: Window) -> dict[str, Any]:
    """Stop an answer that takes long."""
    user.says(answer="word " * 2000)
    user.ask("Tell me everything!")
    user.chat.locator("article[data-state=running] .answer", has_text="word").wait_for(timeout=PATIENCE_MS)
    user.chat.locator("#question").press("Escape")
    article = user.chat.locator("article[data-state=stopped]")
    article.wait_for(timeout=PATIENCE_MS)
    until(lambda: user.chat.locator("#send").is_visible())
    return {"words": article.locator(".answer").inner_text().count("word"), "end": article.locator(".end").inner_text()}


def crash(user: Window) -> dict[str, Any]:
    """Kill the server and go on with the same conversation."""
    before = user.server()
    os.kill(before, signal.SIGKILL)
    until(lambda: user.server() not in (0, before))
    user.says(answer="Still here.")
    user.ask("And now?")
    last = user.chat.locator("article[data-state=done]").nth(2)
    last.wait_for(timeout=PATIENCE_MS)
    return {"restarted": user.server() != before, "text": last.locator(".answer").inner_text()}


def quick_fix(user: Window) -> dict[str, Any]:
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
    until(lambda: user.line("    if port == 443") != "")
    saved = user.save("lines.py", lambda text: "== 443" in text)
    user.page.wait_for_selector(f"{EDITOR} .squiggly-warning", state="detached", timeout=PATIENCE_MS)
    return {"titles": titles, "saved": saved}


def dark(user: Window) -> dict[str, Any]:
    """Another theme, which the view follows."""
    user.command("Preferences: Toggle between Light/Dark Themes")
    text = user.chat.locator(".answer").first
    colours = "each => [getComputedStyle(each).color, getComputedStyle(document.documentElement).backgroundColor]"
    until(lambda: user.page.locator(".monaco-workbench.vs-dark").count() == 1)
    until(lambda: min(brightness(text.evaluate(colours)[0])) > 127)
    user.picture("dark_view")
    return {"text": brightness(text.evaluate(colours)[0])}


def outside(user: Window) -> dict[str, Any]:
    """A file outside the folder is completed by itself."""
    stray = user.root.parent / "stray" / "notes.py"
    stray.parent.mkdir()
    stray.write_text("x = 1\n")
    user.open_path(stray)
    user.says(suggestion="x + 1")
    user.page.click(f"{EDITOR} .view-lines")
    user.page.keyboard.press("Control+End")
    user.page.keyboard.type("y = ")
    return {"ghost": user.ghost(), "messages": user.toasts()}


def huge(user: Window) -> dict[str, Any]:
    """A huge file is left alone, and the menu of the status bar says why."""
    path = user.root.parent / "stray" / "huge.py"
    path.write_text(f"x = 1  # {'-' * 90}\n" * 90_000)
    user.open_path(path)
    user.page.click(f"{EDITOR} .view-lines")
    user.page.keyboard.type("y = ")
    menu = user.page.locator(".quick-input-widget .quick-input-title", has_text="long")

    def says_why() -> bool:
        user.page.keyboard.press("Escape")
        user.page.click('.statusbar-item[id*="copilot-offline.status"] a')
        user.page.locator(".quick-input-widget").wait_for()
        return menu.count() == 1

    until(says_why)
    user.picture("huge_menu")
    said = menu.inner_text()
    user.page.keyboard.press("Escape")
    user.command("View: Revert and Close Editor")  # every new server would be sent it
    return {"said": said, "messages": user.toasts()}


def missing(user: Window) -> dict[str, Any]:
    """The program is not where the settings say."""
    user.set_program(user.script / "nowhere")
    message = user.message("nowhere")
    return {"message": message, "messages": len(user.toasts()), "status": user.status()}


def old(user: Window) -> dict[str, Any]:
    """A program from before there was a language server; then one that serves."""
    user.clear_messages()
    user.set_program(user.script / "old-copilot")
    message = user.message("No such command")
    seen = {"message": message, "messages": len(user.toasts())}
    user.picture("old_message")
    user.clear_messages()
    before = user.server()
    user.set_program(user.script / "copilot")
    until(lambda: user.server() not in (0, before))
    (user.script / "starts").write_text("start\n")
    return seen


def defeat(user: Window) -> dict[str, Any]:
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


def brightness(colour: str) -> list[int]:
    """Red, green and blue of a computed colour."""
    return [int(float(each)) for each in re.findall(r"[\d.]+", colour)[:3]]


def raise_loopback() -> None:
    """A new namespace has a loopback device, but it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP_AND_RUNNING))


def has_network() -> bool:
    """Whether there is any device but the loopback."""
    return [name for _, name in socket.if_nameindex()] != ["lo"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
