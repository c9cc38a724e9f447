/** What a suggestion that is typed along is. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isTypedAlong, type Offered } from "../src/offered";

const OFFERED: Offered = { uri: "file:///a.py", text: "x = \ny\n", offset: 4, insert: "a(b)\nc", replaces: 0 };

function along(text: string, offset: number, uri = OFFERED.uri): boolean {
  return isTypedAlong(OFFERED, uri, text, offset);
}

await test("what is typed of a suggestion leaves its rest", () => {
  assert.ok(along("x = \ny\n", 4));
  assert.ok(along("x = a\ny\n", 5));
  assert.ok(along("x = a(b)\n\ny\n", 9));
});

await test("anything else ends it", () => {
  assert.ok(!along("x = b\ny\n", 5));
  assert.ok(!along("x = a()\ny\n", 6));
  assert.ok(!along("z = a\ny\n", 5));
  assert.ok(!along("x = a\nz\n", 5));
  assert.ok(!along("x =\ny\n", 3));
  assert.ok(!along("x = a\ny\n", 4));
  assert.ok(!along("x = a\ny\n", 5, "file:///b.py"));
});

await test("a suggestion that was typed to its end is over", () => {
  assert.ok(!along("x = a(b)\nc\ny\n", 10));
});
