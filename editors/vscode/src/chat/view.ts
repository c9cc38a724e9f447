/** The view "Ask about this repository": one conversation, kept with the workspace. Does not know: how it looks. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

import type { Conditions } from "../condition";
import type { Server } from "../server";
import { SECTION } from "../settings";
import type { Condition } from "../status/text";
import { type About, aboutSelection, ask, endConversation } from "./asking";
import { answered, asked, type Exchange, failed, heard, replaced, restored, stopped } from "./conversation";
import type { FromPage, ToPage } from "./messages";
import { open } from "./open";
import { page } from "./page";

const KEPT = "exchanges";

export class ChatView implements vscode.WebviewViewProvider {
  static readonly id = `${SECTION}.chat`;
  private view: vscode.WebviewView | undefined;
  private exchanges: readonly Exchange[];
  /** The server's name for the conversation. */
  private conversation: string | undefined;
  private about: About | undefined;
  private cancel: vscode.CancellationTokenSource | undefined;
  /** What the page is told once it is there. */
  private waiting: ToPage[] = [];

  constructor(
    private readonly server: Server,
    private readonly conditions: Conditions,
    private readonly context: vscode.ExtensionContext,
  ) {
    this.exchanges = restored(context.workspaceState.get(KEPT));
    context.subscriptions.push(conditions.onChange(({ phase }) => this.notice(phase)));
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    const media = vscode.Uri.joinPath(this.context.extensionUri, "dist");
    const place = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(media, name)).toString();
    webview.options = { enableScripts: true, localResourceRoots: [media] };
    webview.onDidReceiveMessage((message: FromPage) => this.hear(message));
    view.onDidDispose(() => (this.view = undefined));
    this.view = view;
    webview.html = page({
      script: place("webview.js"),
      style: place("webview.css"),
      source: webview.cspSource,
      nonce: randomBytes(16).toString("hex"),
    });
  }

  /** Show the view with the keyboard in its question. */
  async focus(): Promise<void> {
    this.tell({ type: "focus", question: "" });
    await vscode.commands.executeCommand(`${ChatView.id}.focus`);
  }

  /** The same, and the question is about what is selected in the editor. */
  async focusOnSelection(): Promise<void> {
    this.setAbout(aboutSelection());
    await this.focus();
  }

  /** Ask something about some code, in the view. */
  async askAbout(question: string, about: About): Promise<void> {
    await vscode.commands.executeCommand(`${ChatView.id}.focus`);
    if (this.cancel !== undefined) {
      throw new Error("The last question is still being answered");
    }
    this.setAbout(about);
    await this.ask(question);
  }

  /** Begin a new conversation. */
  async clear(): Promise<void> {
    this.cancel?.cancel();
    const old = this.conversation;
    this.conversation = undefined;
    this.exchanges = [];
    this.setAbout(undefined);
    await this.keep();
    this.tell({ type: "show", exchanges: [] });
    await endConversation(this.server, old);
  }

  private async hear(message: FromPage): Promise<void> {
    switch (message.type) {
      case "ready":
        this.showAll();
        break;
      case "ask":
        await this.ask(message.question);
        break;
      case "stop":
        this.cancel?.cancel();
        break;
      case "open": {
        const exchange = this.exchanges.find((each) => each.id === message.exchange);
        await open(exchange?.citations[message.citation]);
        break;
      }
      case "copy":
        await vscode.env.clipboard.writeText(message.text);
        break;
      case "forgetAbout":
        this.setAbout(undefined);
        break;
      case "warm":
        await vscode.commands.executeCommand(`${SECTION}.warm`);
        break;
      case "help":
        await vscode.commands.executeCommand(`${SECTION}.menu`);
        break;
    }
  }

  private async ask(question: string): Promise<void> {
    if (this.cancel !== undefined) {
      return;
    }
    const about = this.about;
    this.setAbout(undefined);
    const cancel = new vscode.CancellationTokenSource();
    this.cancel = cancel;
    let exchange = asked((this.exchanges.at(-1)?.id ?? 0) + 1, question, about?.label ?? null);
    const change = (changed: Exchange): void => {
      exchange = changed;
      this.change(changed, cancel);
    };
    change(exchange);
    try {
      const told = {
        chunk: (chunk: Parameters<typeof heard>[1]) => change(heard(exchange, chunk)),
        progress: (text: string, fraction: number | null) => this.tell({ type: "progress", text, fraction }),
      };
      const answer = await ask(this.server, { question, about, conversation: this.conversation }, told, cancel.token);
      if (this.cancel === cancel) {
        this.conversation = answer.conversation;
      }
      change(answered(exchange, answer));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      change(cancel.token.isCancellationRequested ? stopped(exchange) : failed(exchange, message));
    } finally {
      this.tell({ type: "progress", text: "", fraction: null });
      this.cancel = undefined;
      cancel.dispose();
      await this.keep();
    }
  }

  /** An exchange changed; if its conversation was left meanwhile, that is of no interest. */
  private change(exchange: Exchange, cancel: vscode.CancellationTokenSource): void {
    const isKnown = this.exchanges.some((each) => each.id === exchange.id);
    if (isKnown || (exchange.state === "running" && !cancel.token.isCancellationRequested)) {
      this.exchanges = replaced(this.exchanges, exchange);
      this.tell({ type: "exchange", exchange });
    }
  }

  private setAbout(about: About | undefined): void {
    this.about = about;
    this.tell({ type: "about", about: about?.label ?? "" });
  }

  private showAll(): void {
    const waiting = this.waiting;
    this.waiting = [];
    this.tell({ type: "show", exchanges: this.exchanges });
    this.tell({ type: "about", about: this.about?.label ?? "" });
    this.showProblem();
    waiting.forEach((message) => this.tell(message));
  }

  private notice(phase: Condition["phase"]): void {
    if (phase === "starting") {
      this.conversation = undefined; // a new server knows nothing of it
    }
    this.showProblem();
  }

  private showProblem(): void {
    this.tell({ type: "problem", problem: this.conditions.now.problem });
  }

  private tell(message: ToPage): void {
    if (this.view?.visible === true) {
      void this.view.webview.postMessage(message);
    } else if (message.type === "focus") {
      this.waiting = [message]; // all else is told anyway when the page is there again
    }
  }

  private keep(): Thenable<void> {
    return this.context.workspaceState.update(KEPT, this.exchanges);
  }
}
