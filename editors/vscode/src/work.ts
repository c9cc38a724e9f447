/** Long requests with a progress display that can be cancelled. Does not know: what they are for. */

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { type LanguageClient, WorkDoneProgress } from "vscode-languageclient/node";

/** Hears how far a request is; the percentage counts from 0 to 100. */
export type Hear = (message: string, percentage: number | undefined) => void;

/** A request: its method, and its parameters for a token under which its progress is told. */
export interface Wanted {
  readonly method: string;
  readonly params: (workDoneToken: string) => object;
}

/** A request that takes the token beside its other parameters. */
export function wanted(method: string, params: object): Wanted {
  return { method, params: (workDoneToken) => ({ ...params, workDoneToken }) };
}

/** Make a request whose progress is told to `hear`. */
export async function request<T>(
  client: LanguageClient,
  { method, params }: Wanted,
  hear: Hear,
  token: vscode.CancellationToken,
): Promise<T> {
  const workDoneToken = randomUUID();
  const listening = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
    if (value.kind !== "end") {
      hear(value.message ?? "", value.percentage);
    }
  });
  try {
    return await client.sendRequest<T>(method, params(workDoneToken), token);
  } finally {
    listening.dispose();
  }
}

/** The same with a notification that shows the progress and can cancel it; undefined if that was done. */
export async function shown<T>(title: string, client: LanguageClient, wanted: Wanted): Promise<T | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    let before = 0;
    const hear: Hear = (message, percentage) => {
      const increment = Math.max(0, (percentage ?? before) - before);
      before += increment;
      progress.report({ message, increment });
    };
    try {
      return await request<T>(client, wanted, hear, token);
    } catch (error) {
      if (token.isCancellationRequested) {
        return undefined;
      }
      throw error;
    }
  });
}

/** The file or folder that a request is about: the active editor's file, else the first folder. */
export function target(): { textDocument?: { uri: string } } {
  const active = vscode.window.activeTextEditor?.document.uri;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const isOfFolder = active !== undefined && vscode.workspace.getWorkspaceFolder(active) !== undefined;
  const uri = isOfFolder ? active : folder;
  return uri === undefined ? {} : { textDocument: { uri: uri.toString() } };
}
