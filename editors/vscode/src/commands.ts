/** The commands of the palette and the menus. Does not know: how the server does them. */

import * as vscode from "vscode";

import type { ChatView } from "./chat/view";
import type { Conditions } from "./condition";
import { method, type Reviewed, type Warmed } from "./protocol";
import type { Server } from "./server";
import { SECTION } from "./settings";
import { showMenu } from "./status/menu";
import { shown, target, wanted } from "./work";
import { rewrite } from "./writing";

/** Register them all. */
export function commands(server: Server, conditions: Conditions, chat: ChatView, id: string): vscode.Disposable {
  const all: Readonly<Record<string, () => unknown>> = {
    ask: () => chat.focus(),
    askAboutSelection: () => chat.focusOnSelection(),
    rewrite: () => rewrite(server),
    newConversation: () => chat.clear(),
    review: () => review(server),
    warm: () => warm(server),
    toggle: () => conditions.set({ isPaused: !conditions.now.isPaused }),
    menu: () => showMenu(conditions.now),
    restart: () => server.restart(),
    showLog: () => server.log.show(),
    settings: () => vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${id}`),
    help: () => vscode.commands.executeCommand("workbench.action.openWalkthrough", `${id}#start`, false),
  };
  const made = Object.entries(all).map(([name, command]) =>
    vscode.commands.registerCommand(`${SECTION}.${name}`, () => said(command)),
  );
  return vscode.Disposable.from(...made);
}

/** What goes wrong is said in one line. */
export async function said(command: () => unknown): Promise<void> {
  try {
    await command();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(`Copilot Offline: ${message}`);
  }
}

async function review(server: Server): Promise<void> {
  const client = await server.running();
  const subject = { ...target(), which: "uncommitted" };
  const done = await shown<Reviewed>("Reviewing changes", client, wanted(method.review, subject));
  if (done === undefined) {
    return;
  }
  const files = new Set(done.findings.map((finding) => finding.path)).size;
  if (files === 0) {
    void vscode.window.showInformationMessage(`Nothing found in ${done.label}.`);
    return;
  }
  await vscode.commands.executeCommand("workbench.actions.view.problems");
  const [findings, places] = [counted(done.findings.length, "finding"), counted(files, "file")];
  vscode.window.setStatusBarMessage(`$(checklist) ${findings} in ${places} (${done.label})`, 8000);
}

async function warm(server: Server): Promise<void> {
  const client = await server.running();
  const done = await shown<Warmed>("Reading the repository", client, wanted(method.warm, target()));
  if (done !== undefined) {
    const notices = done.notices.map((notice) => ` ${notice}.`).join("");
    void vscode.window.showInformationMessage(`Read ${counted(done.tokens, "token")} of the repository.${notices}`);
  }
}

function counted(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}
