/** Shows a cited place in an editor. Does not know: who cited it. */

import * as vscode from "vscode";

import { type Citation } from "../protocol";

/** Open the file with the cited lines selected; nothing where there is no citation. */
export async function open(citation: Citation | undefined): Promise<void> {
  if (citation === undefined) {
    return;
  }
  try {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(citation.uri, true));
    // The file may have become shorter since.
    const cited = new vscode.Range(citation.start_line - 1, 0, citation.end_line - 1, Number.MAX_SAFE_INTEGER);
    await vscode.window.showTextDocument(document, { selection: document.validateRange(cited) });
  } catch {
    void vscode.window.showErrorMessage(`Copilot Offline: ${citation.path} cannot be opened; was it moved?`);
  }
}
