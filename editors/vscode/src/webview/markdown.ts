/**
 * An answer's Markdown as HTML that can do nothing but be read.
 *
 * HTML in it stays text, images are not loaded, links lead to cited places only. Pure. Does not know: pages, clicks.
 */

import MarkdownIt from "markdown-it";

import type { Citation } from "../protocol";
import { citationOf, label, pieces } from "./citations";

/** What one rendering carries along. */
interface Env {
  readonly citations: readonly Citation[];
  /** How each open link has to be closed. */
  readonly closings: string[];
}

const markdown = new MarkdownIt("default", { html: false, linkify: false, typographer: false }).disable([
  "image",
  "autolink",
]);
const escape = markdown.utils.escapeHtml;

markdown.renderer.rules["text"] = (tokens, at, _options, env: Env) => linked(tokens[at]?.content ?? "", env);
markdown.renderer.rules["code_inline"] = (tokens, at, _options, env: Env) => {
  const content = tokens[at]?.content ?? "";
  const inside = linked(content, env);
  return citationOf(content, env.citations) === null ? `<code>${inside}</code>` : inside;
};
markdown.renderer.rules["link_open"] = (tokens, at, _options, env: Env) => {
  const target = decoded(tokens[at]?.attrGet("href") ?? "");
  const citation = citationOf(target, env.citations);
  env.closings.push(citation === null ? "</span>" : "</a>");
  return citation === null ? `<span class="link" title="${escape(target)}">` : opening(citation, env.citations);
};
markdown.renderer.rules["link_close"] = (_tokens, _at, _options, env: Env) => env.closings.pop() ?? "";
markdown.renderer.rules["fence"] = (tokens, at) => block(tokens[at]?.content ?? "");
markdown.renderer.rules["code_block"] = (tokens, at) => block(tokens[at]?.content ?? "");
for (const cell of ["th_open", "td_open"]) {
  // The page allows no style attributes.
  markdown.renderer.rules[cell] = (tokens, at, options, _env, renderer) => {
    const token = tokens[at];
    if (token !== undefined) {
      token.attrs = null;
    }
    return renderer.renderToken(tokens, at, options);
  };
}

/** Safe HTML; what it cites are anchors with `data-citation`, the number of the citation. */
export function render(text: string, citations: readonly Citation[]): string {
  const env: Env = { citations, closings: [] };
  return markdown.render(text, env);
}

/** The anchor of one citation. */
export function anchor(citation: number, citations: readonly Citation[], text?: string): string {
  const cited = citations[citation];
  const shown = text ?? (cited === undefined ? "" : label(cited));
  const breakable = escape(shown).replaceAll("/", "/<wbr>");
  return `${opening(citation, citations)}${breakable}</a>`;
}

function linked(text: string, env: Env): string {
  if (env.closings.length > 0) {
    return escape(text); // a link inside a link is none
  }
  return pieces(text, env.citations)
    .map((piece) => (piece.citation === null ? escape(piece.text) : anchor(piece.citation, env.citations, piece.text)))
    .join("");
}

function opening(citation: number, citations: readonly Citation[]): string {
  const cited = citations[citation];
  const title = cited === undefined ? "" : `Open ${label(cited)}`;
  return `<a href="#" class="citation" data-citation="${citation}" title="${escape(title)}">`;
}

function block(content: string): string {
  const copy = '<button type="button" class="copy" title="Copy this code" aria-label="Copy this code">Copy</button>';
  return `<div class="code"><pre tabindex="0"><code>${escape(content)}</code></pre>${copy}</div>\n`;
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}
