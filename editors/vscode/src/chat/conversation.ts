/** What was asked and answered in one workspace: values, and how they become the next ones. Pure. */

import type { Chunk, ChatAnswer, Citation } from "../protocol";

export interface Notice {
  readonly text: string;
  readonly level: string;
}

/** One question with what became of it. */
export interface Exchange {
  readonly id: number;
  readonly question: string;
  /** The code it is about, such as "net.py:4-6"; null for the repository as a whole. */
  readonly about: string | null;
  readonly answer: string;
  readonly notices: readonly Notice[];
  readonly citations: readonly Citation[];
  readonly state: "running" | "done" | "stopped" | "failed";
  /** Why it failed. */
  readonly error: string;
}

/** How many exchanges are kept; the server remembers fewer. */
const MAX_EXCHANGES = 50;

/** A question that was just asked. */
export function asked(id: number, question: string, about: string | null): Exchange {
  return { id, question, about, answer: "", notices: [], citations: [], state: "running", error: "" };
}

/** A piece of the answer came. */
export function heard(exchange: Exchange, chunk: Chunk): Exchange {
  const notice = chunk.notice;
  return {
    ...exchange,
    answer: exchange.answer + (chunk.text ?? ""),
    notices:
      notice === undefined ? exchange.notices : [...exchange.notices, { text: notice, level: chunk.level ?? "hint" }],
  };
}

/** The answer is complete: what was streamed gives way to it. */
export function answered(exchange: Exchange, answer: ChatAnswer): Exchange {
  const state = answer.reason === "cancelled" ? "stopped" : "done";
  return { ...exchange, answer: answer.answer, citations: answer.citations, state };
}

/** The user stopped it; what was said stays. */
export function stopped(exchange: Exchange): Exchange {
  return { ...exchange, answer: exchange.answer.trimEnd(), state: "stopped" };
}

export function failed(exchange: Exchange, error: string): Exchange {
  return { ...exchange, state: "failed", error };
}

/** The exchanges with `changed` in its place, or at the end if it is new. */
export function replaced(exchanges: readonly Exchange[], changed: Exchange): readonly Exchange[] {
  const isKnown = exchanges.some((each) => each.id === changed.id);
  const all = isKnown ? exchanges.map((each) => (each.id === changed.id ? changed : each)) : [...exchanges, changed];
  return all.slice(-MAX_EXCHANGES);
}

/** What was kept from an earlier session: nothing of it is running any more, and what has another shape is dropped. */
export function restored(kept: unknown): readonly Exchange[] {
  if (!Array.isArray(kept)) {
    return [];
  }
  return kept.filter(isExchange).map((each) => (each.state === "running" ? stopped(each) : each));
}

function isExchange(value: unknown): value is Exchange {
  const each = value as Partial<Exchange> | null;
  return (
    typeof each?.id === "number" &&
    typeof each.question === "string" &&
    typeof each.answer === "string" &&
    typeof each.error === "string" &&
    Array.isArray(each.notices) &&
    Array.isArray(each.citations)
  );
}
