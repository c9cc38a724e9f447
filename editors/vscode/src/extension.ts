/** Where everything is put together. */

import * as vscode from "vscode";

import { ChatView } from "./chat/view";
import { commands } from "./commands";
import { chosen } from "./chosen";
import { Conditions } from "./condition";
import { Server } from "./server";
import { SECTION } from "./settings";
import { statusBar } from "./status/bar";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Copilot Offline", { log: true });
  const conditions = new Conditions();
  server = new Server(conditions, log);
  const chat = new ChatView(server, conditions, context);
  server.chosen = chosen(server, chat);
  context.subscriptions.push(
    log,
    conditions,
    server,
    statusBar(conditions),
    commands(server, conditions, chat, context.extension.id),
    vscode.window.registerWebviewViewProvider(ChatView.id, chat),
    conditions.onChange((now) => {
      void vscode.commands.executeCommand("setContext", `${SECTION}.running`, now.phase === "running");
    }),
  );
  void server.restart();
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}
