/** How a conversation grows, and what is kept of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, asked, failed, heard, replaced, restored, stopped } from "../src/chat/conversation";
import { page } from "../src/chat/page";
import { MAX_RESTARTS, Restarts } from "../src/restarts";

await test("pieces add up, and the whole answer takes their place", () => {
  let exchange = heard(heard(asked(1, "Why?", null), { text: "Be" }), { text: "cause" });
  exchange = heard(exchange, { notice: "only a map was seen", level: "hint" });
  assert.equal(exchange.answer, "Because");
  assert.deepEqual(exchange.notices, [{ text: "only a map was seen", level: "hint" }]);
  const answer = { conversation: "c", answer: "Because.", citations: [], reason: "stop", prefix: "map" };
  assert.equal(answered(exchange, answer).answer, "Because.");
  assert.equal(answered(exchange, answer).state, "done");
  assert.equal(answered(exchange, { ...answer, reason: "cancelled" }).state, "stopped");
  assert.equal(stopped(exchange).answer, "Because");
});

await test("an exchange is changed where it stands, and only the last ones are kept", () => {
  let all = replaced([], asked(1, "a", null));
  all = replaced(all, asked(2, "b", null));
  all = replaced(all, failed(asked(1, "a", null), "no model"));
  assert.deepEqual(
    all.map((each) => each.state),
    ["failed", "running"],
  );
  for (let id = 3; id < 100; id++) {
    all = replaced(all, asked(id, "c", null));
  }
  assert.equal(all.length, 50);
  assert.equal(all.at(-1)?.id, 99);
});

await test("what was kept is taken back as far as it can be read, with nothing running", () => {
  const kept: unknown = JSON.parse(JSON.stringify([asked(1, "a", null), { id: "x" }, null, 3]));
  assert.deepEqual(
    restored(kept).map((each) => each.state),
    ["stopped"],
  );
  assert.deepEqual(restored("nonsense"), []);
  assert.deepEqual(restored(undefined), []);
});

await test("the page loads its own script and style and nothing else", () => {
  const html = page({ script: "s.js", style: "s.css", source: "https://own", nonce: "n1" });
  assert.match(html, /content="default-src 'none'; style-src https:\/\/own; script-src 'nonce-n1'"/);
  assert.doesNotMatch(html, /\son\w+=|\sstyle=|http:/);
  assert.equal(html.match(/<script/g)?.length, 1);
});

await test("a server that dies again and again is given up; one that lived for long begins anew", () => {
  const restarts = new Restarts();
  const pauses = Array.from({ length: MAX_RESTARTS }, (_, death) => restarts.died(1000 * death));
  assert.deepEqual(pauses, [250, 500, 1000]);
  assert.equal(restarts.died(9000), null);
  assert.equal(restarts.died(9000 + 6 * 60_000), 250);
  for (let death = 0; death < 9; death++) {
    restarts.died(500_000);
  }
  restarts.forget();
  assert.equal(restarts.died(500_001), 250);
});
