/** The item in the status bar. Does not know: its words. */

import * as vscode from "vscode";

import type { Conditions } from "../condition";
import { SECTION } from "../settings";
import { statusText } from "./text";

const COLOURS = {
  none: undefined,
  warning: new vscode.ThemeColor("statusBarItem.warningBackground"),
  error: new vscode.ThemeColor("statusBarItem.errorBackground"),
};

/** An item that follows the conditions; a click opens the menu. */
export function statusBar(conditions: Conditions): vscode.Disposable {
  const item = vscode.window.createStatusBarItem(`${SECTION}.status`, vscode.StatusBarAlignment.Right, 100);
  item.name = "Copilot Offline";
  item.command = `${SECTION}.menu`;
  const show = (): void => {
    const shown = statusText(conditions.now);
    item.text = shown.text;
    item.tooltip = new vscode.MarkdownString(shown.tooltip.join("\n\n"));
    item.backgroundColor = COLOURS[shown.severity];
    item.accessibilityInformation = { label: shown.spoken };
  };
  show();
  item.show();
  return vscode.Disposable.from(item, conditions.onChange(show));
}
