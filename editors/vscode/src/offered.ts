/**
 * The suggestion that was offered last, kept while its user types it: the rest stays shown, and nothing is asked anew.
 *
 * Pure. Does not know: VS Code, where suggestions come from.
 */

/** A suggestion and the text it was for; places are offsets in UTF-16 units. */
export interface Offered {
  readonly uri: string;
  readonly text: string;
  /** Where it was to be inserted. */
  readonly offset: number;
  readonly insert: string;
  /** How much of what stands behind that place it replaces. */
  readonly replaces: number;
}

/** Whether a text differs from the one a suggestion was for by nothing but the begin of it, typed up to `offset`. */
export function isTypedAlong(offered: Offered, uri: string, text: string, offset: number): boolean {
  const typed = offset - offered.offset;
  return (
    uri === offered.uri &&
    typed >= 0 &&
    typed < offered.insert.length &&
    text.length === offered.text.length + typed &&
    text.slice(offered.offset, offset) === offered.insert.slice(0, typed) &&
    text.startsWith(offered.text.slice(0, offered.offset)) &&
    text.endsWith(offered.text.slice(offered.offset))
  );
}
