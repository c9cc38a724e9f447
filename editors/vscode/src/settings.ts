/** The user's settings, as the extension and the server take them. Does not know: what they do. */

import * as vscode from "vscode";

export const SECTION = "copilot-offline";
/** What of it is the server's, under the names the server gives it. */
const SERVERS = ["model", "completionModel", "contextTokens", "maxAnswerTokens", "completion", "review"] as const;

/** The program's path as the user set it; "" if it is not set. */
export function programPath(): string {
  return vscode.workspace.getConfiguration(SECTION).get<string>("path", "");
}

/** What the server asks for as its section "copilot". */
export function serverSettings(scope?: vscode.Uri): Record<string, unknown> {
  const all = vscode.workspace.getConfiguration(SECTION, scope);
  const values = Object.fromEntries(SERVERS.map((name): [string, unknown] => [name, all.get(name)]));
  // Answers are shown in the view.
  return { ...values, ask: { ...all.get<object>("ask"), show: "none" } };
}
