/** The menu behind the status bar's item. Does not know: what its entries do. */

import * as vscode from "vscode";

import { SECTION } from "../settings";
import type { Condition } from "./text";

interface Entry extends vscode.QuickPickItem {
  readonly command: string;
}

/** Let the user choose, and do it. */
export async function showMenu(now: Condition): Promise<void> {
  const title = now.problem || now.server?.message || "Copilot Offline";
  const chosen = await vscode.window.showQuickPick(entries(now), { title, placeHolder: "What to do" });
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

function entries(now: Condition): Entry[] {
  const pause = now.isPaused
    ? entry("debug-start", "Resume suggestions", "toggle")
    : entry("debug-pause", "Pause suggestions", "toggle", "in this window");
  const working = [
    entry("comment-discussion", "Ask about this repository", "ask"),
    entry("checklist", "Review changes", "review", "what is not committed yet"),
    entry("book", "Read the whole repository", "warm", "once; then every answer sees all of it"),
    pause,
  ];
  const broken = [entry("question", "How to install it", "help")];
  return [
    ...(now.phase === "running" ? working : broken),
    entry("debug-restart", "Start the server again", "restart"),
    entry("output", "Show log", "showLog"),
    entry("gear", "Settings", "settings"),
  ];
}

function entry(icon: string, label: string, command: string, description = ""): Entry {
  return { label: `$(${icon}) ${label}`, description, command: `${SECTION}.${command}` };
}
