/** Finds in an answer's words the places it cites, so that they can be followed. Pure. */

import type { Citation } from "../protocol";

/** A piece of text, and the number of the citation it stands for. */
export interface Piece {
  readonly text: string;
  readonly citation: number | null;
}

/** `text` cut at the citations that are known; the pieces joined are the text. */
export function pieces(text: string, citations: readonly Citation[]): Piece[] {
  const pattern = patternOf(citations);
  if (pattern === null) {
    return [{ text, citation: null }];
  }
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const citation = known(match, citations);
    if (citation !== null) {
      push(found, text.slice(end, match.index), null);
      push(found, match[0], citation);
      end = match.index + match[0].length;
    }
  }
  push(found, text.slice(end), null);
  return found;
}

/** The citation that a whole text is, such as the target of a link; null if it is none. */
export function citationOf(text: string, citations: readonly Citation[]): number | null {
  const [only, ...more] = pieces(text, citations);
  return only !== undefined && more.length === 0 ? only.citation : null;
}

/** "net.py:4-6". */
export function label(citation: Citation): string {
  const { path, start_line: start, end_line: end } = citation;
  return end > start ? `${path}:${start}-${end}` : `${path}:${start}`;
}

/** The numbers of the citations, each place once, in order. */
export function places(citations: readonly Citation[]): number[] {
  const labels = citations.map(label);
  return [...labels.keys()].filter((at) => labels.indexOf(labels[at] ?? "") === at);
}

function patternOf(citations: readonly Citation[]): RegExp | null {
  const paths = [...new Set(citations.map((citation) => citation.path))].sort((a, b) => b.length - a.length);
  if (paths.length === 0) {
    return null;
  }
  const either = paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return new RegExp(`(?<![\\w./-])(${either})(?:#L|:L?)(\\d+)(?:[-–]L?(\\d+))?(?!\\w)`, "g");
}

function known(match: RegExpExecArray, citations: readonly Citation[]): number | null {
  const start = Number(match[2]);
  const end = match[3] === undefined ? start : Number(match[3]);
  const at = citations.findIndex(
    (each) => each.path === match[1] && each.start_line === start && each.end_line === end,
  );
  return at < 0 ? null : at;
}

function push(found: Piece[], text: string, citation: number | null): void {
  if (text !== "") {
    found.push({ text, citation });
  }
}
