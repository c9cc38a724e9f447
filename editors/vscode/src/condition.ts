/** The one value that says how everything is, and who wants to hear of it. Does not know: who changes it. */

import * as vscode from "vscode";

import type { Condition } from "./status/text";

export class Conditions implements vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<Condition>();
  readonly onChange = this.changes.event;
  private value: Condition = { phase: "searching", problem: "", isPaused: false, server: null };

  get now(): Condition {
    return this.value;
  }

  set(changed: Partial<Condition>): void {
    this.value = { ...this.value, ...changed };
    this.changes.fire(this.value);
  }

  dispose(): void {
    this.changes.dispose();
  }
}
