/** Code that the model writes into documents; the server makes the edit, VS Code can undo it. */

import * as vscode from "vscode";

import { aboutSelection } from "./chat/asking";
import type { Server } from "./server";
import { shown } from "./work";

/** The server's commands that end in an edit, and what is said while they run. */
export const WRITING: Readonly<Record<string, string>> = {
  "copilot.document": "Writing documentation",
  "copilot.fix": "Writing a fix",
  "copilot.refactor": "Rewriting",
  "copilot.tests": "Writing tests",
};

interface Written {
  readonly applied: boolean;
  /** Why not. */
  readonly reason: string;
}

/** Run one of them with its progress shown; it can be cancelled. */
export async function write(server: Server, command: string, title: string, argument: object): Promise<void> {
  const client = await server.running();
  const done = await shown<Written | null>(title, client, {
    method: "workspace/executeCommand",
    params: (workDoneToken) => ({ command, arguments: [{ ...argument, workDoneToken }] }),
  });
  if (done?.applied === false) {
    void vscode.window.showWarningMessage(`Copilot Offline: nothing was changed: ${done.reason}`);
  }
}

/** Ask how the selected lines should be, and have them rewritten. */
export async function rewrite(server: Server): Promise<void> {
  const place = aboutSelection();
  if (place === undefined) {
    return;
  }
  const instruction = await vscode.window.showInputBox({
    title: `Rewrite ${place.label}`,
    prompt: "What should become of it?",
    placeHolder: "Raise a ValueError if the list is empty",
  });
  if (instruction !== undefined && instruction.trim() !== "") {
    const argument = { textDocument: { uri: place.uri }, range: place.range, instruction };
    await write(server, "copilot.refactor", "Rewriting", argument);
  }
}
