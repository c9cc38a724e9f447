/** What the status bar says. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { ServerStatus } from "../src/protocol";
import { type Condition, fraction, readingText, statusText } from "../src/status/text";

const server: ServerStatus = {
  kind: "Normal",
  message: "",
  busy: false,
  model: "qwen2.5-coder-1.5b",
  prefix: null,
  reading: null,
};
const running = (changed: Partial<ServerStatus> = {}, isPaused = false): Condition => ({
  phase: "running",
  problem: "",
  isPaused,
  server: { ...server, ...changed },
});

await test("at rest it is the model's name", () => {
  assert.equal(statusText(running()).text, "$(book) qwen2.5-coder-1.5b");
  const long = statusText(running({ model: "Qwen2.5 Coder 1.5B Instruct GGUF" }));
  assert.equal(long.text, "$(book) Qwen2.5 Coder 1.5B");
  assert.ok(long.tooltip.includes("Model: `Qwen2.5 Coder 1.5B Instruct GGUF`"));
  assert.equal(statusText({ ...running(), server: null }).text, "$(book) Copilot Offline");
});

await test("answers from a map are told apart from answers that see everything", () => {
  assert.match(statusText(running({ prefix: "map" })).text, /· map$/);
  assert.match(statusText(running({ prefix: "map" })).tooltip.join(" "), /a map of the repository/);
  assert.match(statusText(running({ prefix: "full" })).tooltip.join(" "), /the whole repository/);
});

await test("reading shows how far it is, where the end is known", () => {
  const reading = { stage: "read", done: 1024, total: 4096, unit: "tokens" };
  const shown = statusText(running({ busy: true, reading }));
  assert.equal(shown.text, "$(loading~spin) qwen2.5-coder-1.5b 25 %");
  assert.match(shown.spoken, /Reading the repository: 1,024 of 4,096 tokens/);
  const endless = { ...reading, stage: "load", total: null };
  assert.equal(readingText(endless), "loading the model: 1,024 tokens");
  assert.equal(fraction(endless), null);
  assert.equal(fraction({ ...reading, done: 5000 }), 1);
});

await test("the tooltip says why nothing is suggested", () => {
  const shown = statusText(running({ message: "no suggestion: the file is too long" }));
  assert.match(shown.tooltip.join("\n"), /No suggestion: the file is too long/);
  assert.equal(shown.severity, "none");
});

await test("trouble is coloured, and told whatever else goes on", () => {
  const failing = statusText(running({ kind: "Error", message: "no model is installed; run `copilot models pull x`" }));
  assert.equal(failing.severity, "error");
  assert.match(failing.tooltip.join("\n"), /run `copilot models pull x`/);
  assert.equal(statusText(running({ kind: "Warning", busy: true })).severity, "warning");
  const missing: Condition = { phase: "missing", problem: "not found", isPaused: false, server: null };
  assert.equal(statusText(missing).severity, "warning");
  assert.equal(statusText({ ...missing, phase: "stopped" }).severity, "error");
  assert.match(statusText(missing).tooltip.join(), /not found/);
});

await test("paused is seen", () => {
  const shown = statusText(running({}, true));
  assert.match(shown.text, /^\$\(debug-pause\)/);
  assert.match(shown.spoken, /Suggestions are paused/);
});

await test("what the server says cannot become markup, icons or links", () => {
  const shown = statusText(running({ message: "[x](command:y) ![z](http://w) <b> $(zap)", model: "`a`" }));
  const text = shown.tooltip.join("\n");
  assert.doesNotMatch(text, /(?<!\\)\[|(?<!\\)<|(?<!\\)\$\(/);
  assert.ok(text.includes("`'a'`"), text);
});
