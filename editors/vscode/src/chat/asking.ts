/** Puts questions to the server. Does not know: where they come from and where answers are shown. */

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { ErrorCodes, ProgressType, ResponseError } from "vscode-languageclient/node";

import { type ChatAnswer, type Chunk, method, type Span } from "../protocol";
import type { Server } from "../server";
import { request, target, wanted } from "../work";

/** The code a question is about. */
export interface About {
  readonly uri: string;
  readonly range: Span;
  readonly label: string;
}

export interface Asked {
  readonly question: string;
  readonly about: About | undefined;
  /** The conversation it goes on; undefined begins one. */
  readonly conversation: string | undefined;
}

/** Who hears of the answer on its way. */
export interface Told {
  chunk(chunk: Chunk): void;
  progress(text: string, fraction: number | null): void;
}

const CHUNKS = new ProgressType<Chunk>();

/** The answer, which was told in pieces before. A conversation the server has lost is begun anew. */
export async function ask(
  server: Server,
  asked: Asked,
  told: Told,
  token: vscode.CancellationToken,
): Promise<ChatAnswer> {
  const client = await server.running();
  const { question: message, about, conversation } = asked;
  const partialResultToken = randomUUID();
  const place = about === undefined ? target() : { textDocument: { uri: about.uri }, range: about.range };
  const listening = client.onProgress(CHUNKS, partialResultToken, (chunk) => told.chunk(chunk));
  const hear = (text: string, percentage: number | undefined): void =>
    told.progress(text, percentage === undefined ? null : percentage / 100);
  const params = { message, ...place, partialResultToken };
  try {
    const goesOn = conversation === undefined ? params : { ...params, conversation };
    return await request(client, wanted(method.chat, goesOn), hear, token);
  } catch (error) {
    const isLost = error instanceof ResponseError && error.code === ErrorCodes.InvalidParams;
    if (conversation === undefined || !isLost) {
      throw error;
    }
    return await request(client, wanted(method.chat, params), hear, token);
  } finally {
    listening.dispose();
  }
}

/** The server need not remember a conversation any longer. */
export async function endConversation(server: Server, conversation: string | undefined): Promise<void> {
  if (conversation !== undefined) {
    try {
      await (await server.running()).sendRequest(method.endChat, { conversation });
    } catch (error) {
      server.log.debug(`the server has forgotten the conversation already: ${String(error)}`);
    }
  }
}

/** What is selected in the active editor, whole lines of it if there is nothing selected. */
export function aboutSelection(): About | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return undefined;
  }
  const { document, selection } = editor;
  return about(document.uri, selection.isEmpty ? document.lineAt(selection.start.line).range : selection);
}

/** A span of a document, with the lines it touches as a label. */
export function about(uri: vscode.Uri, range: Span): About {
  const last = range.end.character === 0 && range.end.line > range.start.line ? range.end.line : range.end.line + 1;
  const first = range.start.line + 1;
  const lines = last > first ? `${first}-${last}` : `${first}`;
  return {
    uri: uri.toString(),
    range: { start: plain(range.start), end: plain(range.end) },
    label: `${vscode.workspace.asRelativePath(uri, false)}:${lines}`,
  };
}

function plain(position: Span["start"]): Span["start"] {
  return { line: position.line, character: position.character };
}
