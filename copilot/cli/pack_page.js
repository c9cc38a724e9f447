"use strict";
// Filter and list of files. The map listens to "filtered" and answers with "reveal"; neither knows the other's elements.
const pack = JSON.parse(document.getElementById("pack").textContent);
const files = pack.files.map(([path, form, tokens, rank, why], index) => {
  return { index, path, form, tokens, rank, why, text: `${path}\n${why}`.toLowerCase() };
});
const number = new Intl.NumberFormat("en-US");
const count = (n, noun) => `${number.format(n)} ${n === 1 ? noun : noun + "s"}`;
const percent = (tokens) => `${((100 * tokens) / pack.budget).toFixed(1)} %`;
const shownRank = (rank) => (rank > 0 && rank < 0.0001 ? "< 0.0001" : rank.toFixed(4));

/** An element; children are nodes or text, never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Folder muted, name plain, as one isolated run of text. */
function pathElement(path) {
  const cut = path.lastIndexOf("/") + 1;
  return element("bdi", { class: "path-text", dir: "ltr" }, element("span", { class: "folder" }, path.slice(0, cut)), path.slice(cut));
}

const filter = { words: [], forms: new Set(["full", "outline", "path"]) };
const matches = (file) => filter.forms.has(file.form) && filter.words.every((word) => file.text.includes(word));

{
  const FIRST = 100;
  const STEP = 500;
  const ORDER = { full: 0, outline: 1, path: 2 };
  const COMPARE = {
    rank: (a, b) => a.rank - b.rank,
    tokens: (a, b) => a.tokens - b.tokens,
    form: (a, b) => ORDER[a.form] - ORDER[b.form],
    path: (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0),
    why: (a, b) => (a.why < b.why ? -1 : a.why > b.why ? 1 : 0),
  };
  const [tools, query, rows, more, found, nothing] = ["form.tools", "#query", "#rows", "#more", "#found", "#nothing"].map((css) =>
    document.querySelector(css),
  );
  const boxes = [...tools.querySelectorAll("input[name=form]")];
  const headers = [...document.querySelectorAll("#files th")];
  const most = Math.max(1, ...files.map((file) => file.tokens));
  let sort = { key: "rank", down: true };
  let listed = files;
  let drawn = 0;
  let cameFrom = null; // the tile that asked for a row

  function row(file) {
    const meter = element("i", { class: `meter ${file.form}` });
    meter.style.width = `${(100 * file.tokens) / most}%`;
    return element(
      "tr",
      { role: "row", id: `file-${file.index}` },
      element("td", { role: "cell", class: "number rank" }, shownRank(file.rank)),
      element("td", { role: "cell", class: "number tokens" }, number.format(file.tokens), meter),
      element("td", { role: "cell", class: "form" }, element("i", { class: `swatch ${file.form}` }), file.form),
      element("td", { role: "cell", class: "path" }, pathElement(file.path)),
      element("td", { role: "cell", class: "why" }, file.why),
    );
  }

  /** Draw rows up to `end`; those already there stay. */
  function draw(end) {
    const batch = document.createDocumentFragment();
    const stop = Math.min(end, listed.length);
    for (; drawn < stop; drawn++) batch.append(row(listed[drawn]));
    rows.append(batch);
    const left = listed.length - drawn;
    more.hidden = left === 0;
    more.textContent = left > STEP ? `Show ${STEP} of ${number.format(left)} more` : `Show ${count(left, "more file")}`;
  }

  function refresh() {
    const compare = COMPARE[sort.key];
    const sign = sort.down ? -1 : 1;
    listed = files.filter(matches).sort((a, b) => sign * compare(a, b) || b.rank - a.rank || COMPARE.path(a, b));
    const tokens = listed.reduce((sum, file) => sum + file.tokens, 0);
    const of = listed.length === files.length ? "" : ` of ${number.format(files.length)}`;
    found.textContent = `${number.format(listed.length)}${of} ${files.length === 1 ? "file" : "files"}, ${count(tokens, "token")}`;
    rows.replaceChildren();
    drawn = 0;
    draw(FIRST);
    nothing.hidden = listed.length > 0;
  }

  function filtered() {
    filter.words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    filter.forms = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    refresh();
    document.dispatchEvent(new Event("filtered"));
  }

  function clear() {
    query.value = "";
    for (const box of boxes) box.checked = true;
    filtered();
  }

  function sortBy(header) {
    const key = header.dataset.key;
    sort = { key, down: sort.key === key ? !sort.down : key === "rank" || key === "tokens" };
    for (const other of headers) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    refresh();
  }

  document.addEventListener("reveal", ({ detail: file }) => {
    cameFrom = document.activeElement;
    if (!matches(file)) clear();
    draw(Math.max(drawn, listed.indexOf(file) + 1));
    const target = document.getElementById(`file-${file.index}`);
    for (const marked of rows.querySelectorAll(".marked")) marked.classList.remove("marked");
    target.classList.add("marked");
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "center" });
  });
  rows.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && cameFrom?.isConnected) cameFrom.focus();
  });
  tools.addEventListener("input", filtered);
  tools.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("clear").addEventListener("click", () => {
    clear();
    query.focus();
  });
  more.addEventListener("click", () => {
    const next = drawn;
    draw(drawn + STEP);
    rows.children[next].tabIndex = -1;
    rows.children[next].focus({ preventScroll: true });
  });
  for (const header of headers) header.firstElementChild.addEventListener("click", () => sortBy(header));
  for (const hidden of document.querySelectorAll("main > [hidden]")) hidden.hidden = false;
  filtered();
}
