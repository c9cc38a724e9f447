/** The LSP client for one server program. Does not know: where the program comes from, what a death of it means. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import type * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type Middleware,
  type ServerCapabilities,
  type StaticFeature,
} from "vscode-languageclient/node";

import type { Conditions } from "./condition";
import { Keeper } from "./keeping";
import { method, type ServerStatus } from "./protocol";
import { SECTION, serverSettings } from "./settings";

/** What becomes of what the server and its actions want. */
export interface Reactions {
  /** The server is gone; tells whether to start it again, when the time has come. */
  died(lastWords: string): Promise<boolean>;
  /** The program cannot be started, or not be ended. */
  failed(problem: string): void;
  /** A command of the server's was chosen; undefined lets the server run it. */
  chosen(command: string, argument: unknown): Promise<void> | undefined;
}

const DOCUMENTS = [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }];
/** The server has it for other clients; registering it here could collide with another extension's. */
const FOREIGN_COMMANDS = /^github\./;

/** What the server says so shortly before its end is taken for the reason. */
const REASON_MS = 2000;
/** How long the server has to leave. */
const LEAVE_MS = 2000;

/** Logs what goes wrong between it and the server; the user is told by those who know what it means. */
class QuietClient extends LanguageClient {
  server: ChildProcess | undefined;

  /** A server that does not leave when it is asked to is made to. */
  override async stop(timeout?: number): Promise<void> {
    try {
      await super.stop(timeout);
    } finally {
      const server = this.server;
      setTimeout(() => server?.kill(), LEAVE_MS).unref();
    }
  }

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** A client that is not started yet. */
export function createClient(
  program: string,
  log: vscode.LogOutputChannel,
  conditions: Conditions,
  reactions: Reactions,
): LanguageClient {
  const last = { words: "", atMs: 0 };
  const start = async (): Promise<ChildProcess> => {
    last.words = "";
    // At home, so that nothing that lies in the workspace can get in the program's way.
    const child = spawn(program, ["lsp", "--stdio"], { cwd: homedir(), windowsHide: true });
    client.server = child;
    child.on("error", (error) => reactions.failed(error.message));
    await once(child, "spawn");
    child.stderr.on("data", (data: Buffer) => {
      last.words = data.toString().trim().split("\n").at(-1) ?? "";
      last.atMs = Date.now();
    });
    return child;
  };
  const client = new QuietClient(SECTION, "Copilot Offline", start, {
    documentSelector: DOCUMENTS,
    outputChannel: log,
    initializationOptions: serverSettings,
    initializationFailedHandler: () => false,
    middleware: middleware(conditions, reactions),
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: async () => {
        const isReason = Date.now() - last.atMs < REASON_MS;
        const isRestarted = await reactions.died(isReason ? last.words : "");
        return { action: isRestarted ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true };
      },
    },
  });
  client.registerFeature(withoutForeignCommands);
  client.onNotification(method.status, (server: ServerStatus) => conditions.set({ server }));
  return client;
}

function middleware(conditions: Conditions, reactions: Reactions): Middleware {
  const keeper = new Keeper();
  return {
    executeCommand: (command, args: unknown[], next): vscode.ProviderResult<unknown> =>
      reactions.chosen(command, args[0]) ?? next(command, args),
    provideInlineCompletionItems: (document, position, context, token, next) =>
      conditions.now.isPaused ? null : keeper.provide(document, position, context, token, next),
    workspace: {
      configuration: async (params, token, next) => {
        const asked = await next(params, token);
        if (!Array.isArray(asked)) {
          return asked;
        }
        const values: unknown[] = asked;
        return values.map((value, at) => (params.items[at]?.section === "copilot" ? serverSettings() : value));
      },
    },
  };
}

const withoutForeignCommands: StaticFeature = {
  fillClientCapabilities: () => undefined,
  preInitialize: (capabilities: ServerCapabilities) => {
    const provider = capabilities.executeCommandProvider;
    if (provider !== undefined) {
      provider.commands = provider.commands.filter((command) => !FOREIGN_COMMANDS.test(command));
    }
  },
  initialize: () => undefined,
  getState: () => ({ kind: "static" }),
  clear: () => undefined,
};
