/** How the server is, in the words of a status bar. Pure. Does not know: VS Code, how it became so. */

import type { Reading, ServerStatus } from "../protocol";

/** Everything the status bar depends on. */
export interface Condition {
  readonly phase: "searching" | "missing" | "starting" | "running" | "stopped";
  /** Why it is missing or stopped; "" otherwise. */
  readonly problem: string;
  readonly isPaused: boolean;
  /** What the server said last; null before it said anything. */
  readonly server: ServerStatus | null;
}

export interface StatusText {
  /** With VS Code's $(icons). */
  readonly text: string;
  /** Markdown, one paragraph an entry. */
  readonly tooltip: readonly string[];
  readonly severity: "none" | "warning" | "error";
  /** For screen readers. */
  readonly spoken: string;
}

const STAGES: Readonly<Record<string, string>> = {
  walk: "looking for files",
  parse: "indexing",
  load: "loading the model",
  restore: "restoring what was read",
  read: "reading the repository",
  fetch: "fetching",
  verify: "checking the model file",
  review: "reviewing",
};
const NAME = "Copilot Offline";
const NAME_CHARS = 24;

/** What the status bar shows. */
export function statusText(now: Condition): StatusText {
  switch (now.phase) {
    case "searching":
    case "starting":
      return plain("$(loading~spin) Copilot Offline", `${NAME} is starting`);
    case "missing":
      return { ...plain("$(warning) Copilot Offline", now.problem), severity: "warning" };
    case "stopped":
      return { ...plain("$(error) Copilot Offline", now.problem), severity: "error" };
    case "running":
      return running(now, now.server);
  }
}

function running(now: Condition, server: ServerStatus | null): StatusText {
  const model = server?.model ?? null;
  const name = model === null ? NAME : short(model);
  const reading = server?.reading ?? null;
  const tooltip = [`**${NAME}**`, ...facts(now, server)];
  const base = { tooltip, spoken: spoken(tooltip), severity: "none" as const };
  if (server?.kind === "Error") {
    return { ...base, text: `$(error) ${name}`, severity: "error" };
  }
  if (server?.kind === "Warning") {
    return { ...base, text: `$(warning) ${name}`, severity: "warning" };
  }
  if (reading !== null) {
    return { ...base, text: `$(loading~spin) ${name} ${amount(reading)}`.trimEnd() };
  }
  if (now.isPaused) {
    return { ...base, text: `$(debug-pause) ${name}` };
  }
  const icon = server?.busy === true ? "$(loading~spin)" : "$(book)";
  const prefix = server?.prefix === "map" ? " · map" : "";
  return { ...base, text: `${icon} ${name}${prefix}` };
}

function facts(now: Condition, server: ServerStatus | null): string[] {
  const lines = [server?.model ? `Model: \`${code(server.model)}\`` : "No model is in use yet"];
  if (server?.prefix === "full") {
    lines.push("Answers see the whole repository");
  } else if (server?.prefix === "map") {
    lines.push("Answers see a map of the repository; let it be read once to have them see all of it");
  }
  if (server?.reading) {
    lines.push(sentence(readingText(server.reading)));
  }
  if (now.isPaused) {
    lines.push("Suggestions are paused");
  }
  if (server !== null && server.message !== "") {
    lines.push(sentence(escaped(server.message)));
  }
  return lines;
}

/** "reading the repository: 1,024 of 4,096 tokens". */
export function readingText(reading: Reading): string {
  const stage = STAGES[reading.stage] ?? reading.stage;
  const of = reading.total ? ` of ${count(reading.total)}` : "";
  return `${stage}: ${count(reading.done)}${of} ${reading.unit}`;
}

/** From 0 to 1, null if the end is unknown. */
export function fraction(reading: Reading): number | null {
  return reading.total ? Math.min(1, reading.done / reading.total) : null;
}

function amount(reading: Reading): string {
  const part = fraction(reading);
  return part === null ? "" : `${Math.floor(100 * part)} %`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** What tells models apart at a glance; the tooltip has the rest. */
function short(model: string): string {
  const name = model.replace(/[ -](instruct|it|gguf)\b/gi, "");
  return name.length <= NAME_CHARS ? name : `${name.slice(0, NAME_CHARS - 1)}…`;
}

function plain(text: string, said: string): StatusText {
  return { text, tooltip: [`**${NAME}**`, escaped(said)], severity: "none", spoken: `${NAME}: ${said}` };
}

function spoken(tooltip: readonly string[]): string {
  return tooltip.join(". ").replace(/[*`\\]/g, "");
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function code(text: string): string {
  return text.replaceAll("`", "'");
}

/** Text of which Markdown makes nothing; backquotes stay, they mark commands. */
function escaped(text: string): string {
  return text.replace(/[\\*_{}[\]()#+!|<>~$]/g, "\\$&");
}
