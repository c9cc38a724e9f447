/** What answers become on the page: safe, and with places that can be followed. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Citation } from "../src/protocol";
import { citationOf, label, pieces, places } from "../src/webview/citations";
import { render } from "../src/webview/markdown";

const cited = (path: string, start: number, end: number): Citation => ({
  path,
  start_line: start,
  end_line: end,
  uri: `file:///r/${path}`,
});
const known = [cited("net.py", 4, 6), cited("src/net.py", 4, 6), cited("a (1)+.md", 3, 3)];
const targets = (html: string): string[] => [...html.matchAll(/data-citation="(\d+)"/g)].map((match) => match[1] ?? "");

await test("markup in an answer stays text", () => {
  for (const text of [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "**<b onclick=x>**",
    "`<i>`",
    "```html\n</pre><script>\n```",
    '```"><script>\nx\n```',
    "a | b\n-|-\n<u>x</u> | y",
  ]) {
    const html = render(text, known);
    assert.doesNotMatch(html, /<(script|img|b|i|u)[\s>]/, text);
  }
});

await test("links go nowhere but to cited places", () => {
  for (const text of [
    "[x](javascript:alert(1))",
    "[x](https://example.com/?q=1)",
    "![x](https://example.com/x.png)",
    "<https://example.com>",
    "https://example.com",
    "[x](command:workbench.action.quit)",
    '[x](https://example.com "onclick")',
  ]) {
    assert.doesNotMatch(render(text, known), /href="(?!#")|src=/, text);
  }
});

await test("a citation can be followed in prose, in code and as a link", () => {
  for (const text of [
    "see net.py:4-6.",
    "see `net.py:4-6`",
    "(`net.py:4–6`)",
    "[here](net.py:4-6)",
    "[`net.py:4-6`](net.py#L4-L6)",
    "**net.py#L4-L6**",
    "| a |\n|:-:|\n| net.py:4-6 |",
  ]) {
    assert.deepEqual(targets(render(text, known)), ["0"], text);
  }
});

await test("a table needs no style attributes, which the page would refuse", () => {
  assert.doesNotMatch(render("| a |\n|:-:|\n| b |", []), /style=/);
});

await test("the longest path that was cited is the one meant, and what was not cited is no link", () => {
  assert.deepEqual(targets(render("src/net.py:4-6 and a (1)+.md:3", known)), ["1", "2"]);
  for (const text of ["net.py:4-7", "net.py:4", "xnet.py:4-6", "lib/net.py:4-6", "net.py:4-60", "net.py:4-6x"]) {
    assert.deepEqual(targets(render(text, known)), [], text);
  }
});

await test("code in a block is shown as it is", () => {
  const html = render("```py\nprint('net.py:4-6')\n```", known);
  assert.match(html, /<code>print\(&#39;|<code>print\('net\.py:4-6'\)/);
  assert.deepEqual(targets(html), []);
});

await test("text that is cut into pieces loses nothing", () => {
  const text = "x net.py:4-6, src/net.py:4-6 net.py:9 y";
  const found = pieces(text, known);
  assert.equal(found.map((piece) => piece.text).join(""), text);
  assert.deepEqual(
    found.map((piece) => piece.citation),
    [null, 0, null, 1, null],
  );
  assert.equal(citationOf("net.py:4-6 ", known), null);
});

await test("a place that is cited twice is listed once", () => {
  const twice = [cited("b.py", 1, 1), cited("a.py", 2, 3), cited("b.py", 1, 1)];
  assert.deepEqual(
    places(twice).map((at) => label(twice[at] ?? cited("", 0, 0))),
    ["b.py:1", "a.py:2-3"],
  );
});

await test("half an answer can be drawn at any point", () => {
  const whole = "See `net.py:4-6`:\n\n```py\nx = [1](\n```\n\n- **[a](net.py:4-6)**\n";
  for (let end = 0; end <= whole.length; end++) {
    assert.doesNotMatch(render(whole.slice(0, end), known), /<script/);
  }
});
