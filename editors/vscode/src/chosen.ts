/** What the server's own commands become in VS Code: questions go to the view, edits show their progress. */

import * as vscode from "vscode";

import { about } from "./chat/asking";
import type { ChatView } from "./chat/view";
import type { Reactions } from "./client";
import { said } from "./commands";
import type { Span } from "./protocol";
import type { Server } from "./server";
import { write, WRITING } from "./writing";

const EXPLAIN = "Explain what this code does and why, and what one should know before changing it.";

interface Argument {
  readonly textDocument: { readonly uri: string };
  readonly range?: Span;
  readonly question?: string;
}

/** The reactions to them; commands that are not known here stay the server's. */
export function chosen(server: Server, chat: ChatView): Reactions["chosen"] {
  return (command, given) => {
    const argument = given as Argument | undefined;
    if (argument === undefined) {
      return undefined;
    }
    const { textDocument, range, question } = argument;
    if (range !== undefined && (command === "copilot.explain" || command === "copilot.ask")) {
      const place = about(vscode.Uri.parse(textDocument.uri, true), range);
      return said(() => chat.askAbout(question ?? EXPLAIN, place));
    }
    const title = WRITING[command];
    return title === undefined ? undefined : said(() => write(server, command, title, argument));
  };
}
