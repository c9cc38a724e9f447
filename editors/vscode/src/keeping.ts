/** Stands between VS Code and the server and answers for it while a suggestion is typed along. */

import * as vscode from "vscode";

import { isTypedAlong, type Offered } from "./offered";

type Given = vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null | undefined;
type Ask = (
  document: vscode.TextDocument,
  position: vscode.Position,
  context: vscode.InlineCompletionContext,
  token: vscode.CancellationToken,
) => vscode.ProviderResult<Given>;

export class Keeper {
  private last: { readonly offered: Offered; readonly command: vscode.Command | undefined } | undefined;

  async provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    next: Ask,
  ): Promise<Given> {
    const [text, offset] = [document.getText(), document.offsetAt(position)];
    if (context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic && this.last !== undefined) {
      const { offered, command } = this.last;
      if (isTypedAlong(offered, document.uri.toString(), text, offset)) {
        const start = document.positionAt(offered.offset);
        const range = new vscode.Range(start, document.positionAt(offset + offered.replaces));
        return [new vscode.InlineCompletionItem(offered.insert, range, command)];
      }
    }
    const given = await next(document, position, context, token);
    if (!token.isCancellationRequested) {
      this.keep(given, position, { uri: document.uri.toString(), text, offset });
    }
    return given;
  }

  private keep(given: Given, position: vscode.Position, at: Pick<Offered, "uri" | "text" | "offset">): void {
    const item = (Array.isArray(given) ? given : given?.items)?.[0];
    const range = item?.range ?? new vscode.Range(position, position);
    this.last = undefined;
    if (typeof item?.insertText === "string" && range.start.isEqual(position) && range.isSingleLine) {
      const replaces = range.end.character - position.character;
      this.last = { offered: { ...at, insert: item.insertText, replaces }, command: item.command };
    }
  }
}
