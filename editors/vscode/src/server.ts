/**
 * The server's life: found, started, started again when it dies, given up with one message.
 *
 * Does not know: what is asked of it.
 */

import { homedir } from "node:os";
import { env, platform } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";

import { createClient, type Reactions } from "./client";
import type { Conditions } from "./condition";
import { findProgram, type Missing } from "./program/find";
import { machine } from "./program/probe";
import { MAX_RESTARTS, Restarts } from "./restarts";
import { programPath, SECTION, serverSettings } from "./settings";

export class Server implements vscode.Disposable {
  private readonly restarts = new Restarts();
  private client: LanguageClient | undefined;
  /** Starts and stops come one after the other. */
  private last: Promise<void> = Promise.resolve();
  private told = "";
  /** What a command of the server's becomes; undefined lets the server run it. */
  chosen: Reactions["chosen"] = () => undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly conditions: Conditions,
    readonly log: vscode.LogOutputChannel,
  ) {
    this.subscriptions = [
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.restart()),
      vscode.workspace.onDidChangeConfiguration((event) => this.configured(event)),
    ];
  }

  /** Look for the program anew and start it, whatever runs now. */
  restart(): Promise<void> {
    this.restarts.forget();
    this.last = this.last
      .then(() => this.begin())
      .catch((error: unknown) => {
        this.log.error(String(error));
      });
    return this.last;
  }

  /** The running client; an error that says why there is none. */
  async running(): Promise<LanguageClient> {
    await this.last;
    if (this.client?.state === State.Starting) {
      await this.client.start();
    }
    if (this.client?.state !== State.Running) {
      throw new Error(this.conditions.now.problem || "The server is not running");
    }
    return this.client;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.log.warn(`the server did not leave in good order: ${String(error)}`);
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private async begin(): Promise<void> {
    await this.stop();
    this.conditions.set({ phase: "searching", problem: "", server: null });
    const found = await findProgram(
      {
        setting: programPath(),
        folders: (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath),
        isTrusted: vscode.workspace.isTrusted,
        path: env["PATH"] ?? env["Path"] ?? "",
        home: homedir(),
        platform,
      },
      machine,
    );
    if ("problem" in found) {
      this.conditions.set({ phase: "missing", problem: found.problem });
      this.log.warn(found.problem);
      this.tell(found);
      return;
    }
    this.log.info(`starting ${found.program} (from the ${found.from})`);
    this.told = "";
    const client = createClient(found.program, this.log, this.conditions, {
      died: async (words) => client === this.client && (await this.died(words)) && client === this.client,
      failed: (problem) => this.failed(`${found.program} does not start: ${problem}`),
      chosen: (command, argument) => this.chosen(command, argument),
    });
    this.client = client;
    client.onDidChangeState(({ newState }) => this.changed(client, newState));
    await client.start();
  }

  private changed(client: LanguageClient, state: State): void {
    if (client !== this.client) {
      return;
    }
    if (state === State.Starting) {
      this.conditions.set({ phase: "starting", problem: "", server: null });
    } else if (state === State.Running) {
      this.conditions.set({ phase: "running", problem: "" });
    }
  }

  private async died(lastWords: string): Promise<boolean> {
    const pauseMs = this.restarts.died(Date.now());
    this.log.warn(`the server ended${lastWords && `: ${lastWords}`}`);
    if (pauseMs !== null) {
      this.conditions.set({ phase: "starting", problem: "", server: null });
      await sleep(pauseMs);
      return true;
    }
    this.failed(`The server ended ${MAX_RESTARTS + 1} times in a row${lastWords && `: ${lastWords}`}`);
    return false;
  }

  private failed(problem: string): void {
    this.conditions.set({ phase: "stopped", problem, server: null });
    void offer(problem, { "Start Again": `${SECTION}.restart`, "Show Log": `${SECTION}.showLog` });
  }

  /** Say what is missing, once. */
  private tell(missing: Missing): void {
    if (missing.problem === this.told) {
      return;
    }
    this.told = missing.problem;
    const cures = {
      install: { "How to Install It": `${SECTION}.help`, "Look Again": `${SECTION}.restart` },
      setting: { "Open Settings": `${SECTION}.settings`, "How to Install It": `${SECTION}.help` },
      trust: { "Manage Trust": "workbench.trust.manage" },
    };
    void offer(`${missing.problem}.`, cures[missing.cure]);
  }

  private configured(event: vscode.ConfigurationChangeEvent): void {
    if (event.affectsConfiguration(`${SECTION}.path`)) {
      void this.restart();
    } else if (event.affectsConfiguration(SECTION) && this.client?.state === State.Running) {
      const settings = { copilot: serverSettings() };
      void this.client.sendNotification("workspace/didChangeConfiguration", { settings });
    }
  }
}

/** A message with buttons that run commands. */
async function offer(message: string, buttons: Readonly<Record<string, string>>): Promise<void> {
  const chosen = await vscode.window.showWarningMessage(`Copilot Offline: ${message}`, ...Object.keys(buttons));
  const command = chosen === undefined ? undefined : buttons[chosen];
  if (command !== undefined) {
    await vscode.commands.executeCommand(command);
  }
}
