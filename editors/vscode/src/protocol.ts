/** What the language server says and hears besides LSP. Does not know: VS Code. */

/** `copilot/status`, as a request and as a notification. */
export interface ServerStatus {
  readonly kind: "Normal" | "Warning" | "Error" | "Inactive";
  /** Why it is not Normal, or why nothing was suggested last; "" for nothing to say. */
  readonly message: string;
  readonly busy: boolean;
  readonly model: string | null;
  /** "full" if answers see the whole repository, "map" if only a map of it; null before the first answer. */
  readonly prefix: string | null;
  readonly reading: Reading | null;
}

/** How far something long is. */
export interface Reading {
  readonly stage: string;
  readonly done: number;
  readonly total: number | null;
  readonly unit: string;
}

/** A place an answer speaks of; lines count from 1 and include the last. */
export interface Citation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly uri: string;
}

/** One piece of an answer on its way. */
export interface Chunk {
  readonly text?: string;
  readonly notice?: string;
  readonly level?: string;
}

/** The result of `copilot/chat`. */
export interface ChatAnswer {
  readonly conversation: string;
  readonly answer: string;
  readonly citations: readonly Citation[];
  readonly reason: string;
  readonly prefix: string | null;
}

/** The result of `copilot/warm`. */
export interface Warmed {
  readonly tokens: number;
  readonly total: number;
  readonly reused_tokens: number;
  readonly notices: readonly string[];
}

/** The result of `copilot/review`, as far as it is shown. */
export interface Reviewed {
  readonly label: string;
  readonly findings: readonly { readonly path: string; readonly severity: string }[];
}

/** A span of a document; lines and characters count from 0, as in LSP. */
export interface Span {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

export const method = {
  chat: "copilot/chat",
  endChat: "copilot/chat/end",
  review: "copilot/review",
  status: "copilot/status",
  warm: "copilot/warm",
} as const;
