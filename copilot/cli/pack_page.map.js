"use strict";
// The map: tokens as areas, folders nested, by squarified treemap (Bruls, Huizing, van Wijk 2000).
{
  const SMALLEST = 260; // px²: files and folders below it are joined
  const HEAD = 22; // px: the strip with a folder's name
  const GAP = 2;
  const FORMS = ["full", "outline", "path"];
  const NAMED = { full: "full text", outline: "outline", path: "path only" };
  const map = document.getElementById("map");
  const tip = document.getElementById("tip");
  const crumbs = document.getElementById("crumbs");
  const place = document.getElementById("place");

  /** A folder, or several small things as one: name is what a tile says, path what identifies it. */
  function folder(name, path) {
    return { name, path, tokens: 0, count: 0, by: { full: 0, outline: 0, path: 0 }, children: [], parent: null };
  }

  function grow(node, child) {
    node.children.push(child);
    node.tokens += child.tokens;
    node.count += child.count;
    for (const form of FORMS) node.by[form] += child.by[form];
  }

  function leaf(file) {
    const by = { full: 0, outline: 0, path: 0, [file.form]: file.tokens };
    return { name: file.path.slice(file.path.lastIndexOf("/") + 1), path: file.path, tokens: file.tokens, count: 1, by, file };
  }

  function folders() {
    const root = folder(pack.root, "");
    const known = new Map([["", root]]);
    const at = (path) => {
      if (!known.has(path)) {
        const made = folder(path.slice(path.lastIndexOf("/") + 1), path);
        at(path.slice(0, Math.max(0, path.lastIndexOf("/")))).children.push(made);
        known.set(path, made);
      }
      return known.get(path);
    };
    for (const file of files) at(file.path.slice(0, Math.max(0, file.path.lastIndexOf("/")))).children.push(leaf(file));
    return summed(root, null);
  }

  /** Totals from the leaves up; a folder that holds one folder only is joined with it. */
  function summed(node, parent) {
    if (node.file) return node;
    const made = Object.assign(folder(node.name, node.path), { parent });
    let inner = node;
    while (parent && inner.children.length === 1 && !inner.children[0].file) {
      inner = inner.children[0];
      made.name += `/${inner.name}`;
      made.path = inner.path;
    }
    for (const child of inner.children) grow(made, summed(child, made));
    made.children.sort((a, b) => b.tokens - a.tokens || (a.path < b.path ? -1 : 1));
    return made;
  }

  /** What would be too small to see, joined: files by form, folders with their files. */
  function joined(children, scale, parent) {
    const large = children.filter((child) => child.tokens * scale >= SMALLEST);
    const groups = new Map();
    for (const child of children) {
      if (child.tokens * scale >= SMALLEST || child.tokens === 0) continue;
      const form = dominant(child);
      if (!groups.has(form)) groups.set(form, Object.assign(folder("", `${parent.path}/?${form}`), { parent, group: true }));
      grow(groups.get(form), child);
    }
    for (const [form, group] of groups) {
      if (group.children.length === 1) large.push(group.children[0]);
      else large.push(Object.assign(group, { name: form === "path" ? count(group.count, "name") : count(group.count, "small file") }));
    }
    return large.sort((a, b) => b.tokens - a.tokens || (a.path < b.path ? -1 : 1));
  }

  const dominant = (node) => FORMS.reduce((best, form) => (node.by[form] > node.by[best] ? form : best));

  /** Rectangles for `children` (largest first) that fill `box`, as near to squares as rows allow. */
  function squarified(children, box) {
    const placed = [];
    let { x, y, w, h } = box;
    let total = children.reduce((sum, child) => sum + child.tokens, 0);
    for (let start = 0; start < children.length; ) {
      const side = Math.min(w, h);
      const scale = (w * h) / total;
      let [sum, end, worst] = [0, start, Infinity];
      while (end < children.length) {
        const next = sum + children[end].tokens;
        const [largest, smallest, row] = [children[start].tokens * scale, children[end].tokens * scale, next * scale];
        const ratio = Math.max((side * side * largest) / (row * row), (row * row) / (side * side * smallest));
        if (ratio > worst) break;
        [worst, sum, end] = [ratio, next, end + 1];
      }
      const thick = (sum * scale) / side || 0;
      let along = w >= h ? y : x;
      for (let i = start; i < end; i++) {
        const long = (children[i].tokens / sum) * side;
        placed.push([children[i], w >= h ? { x, y: along, w: thick, h: long } : { x: along, y, w: long, h: thick }]);
        along += long;
      }
      if (w >= h) [x, w] = [x + thick, w - thick];
      else [y, h] = [y + thick, h - thick];
      total -= sum;
      start = end;
    }
    return placed;
  }

  let shown = folders();
  let tiles = []; // { node, button, box } in the order of reading

  function put(made, { x, y, w, h }) {
    Object.assign(made.style, { left: `${x}px`, top: `${y}px`, width: `${Math.max(0, w)}px`, height: `${Math.max(0, h)}px` });
    map.append(made);
  }

  function button(node, box, kind) {
    const made = element("button", { type: "button", tabindex: "-1", class: kind, "aria-label": facts(node).join(", ") });
    if (box.w >= 40 && box.h >= 17) made.append(element("span", { class: "name" }, node.name));
    if (made.firstChild) made.classList.add("named");
    if (box.w >= 40 && box.h >= 40 && kind.startsWith("tile")) made.append(element("span", { class: "size" }, number.format(node.tokens)));
    if (kind === "head" && box.w >= 150) made.append(element("span", { class: "size" }, number.format(node.tokens)));
    if (box.h >= 24) made.classList.add("roomy");
    if (box.w >= 170 && box.h >= 90) made.classList.add("large");
    put(made, box);
    tiles.push({ node, button: made, box });
  }

  function lay(node, box) {
    const children = joined(node.children, (box.w * box.h) / node.tokens, node);
    for (const [child, { x, y, w, h }] of squarified(children, box)) {
      const inner = { x: x + GAP / 2, y: y + GAP / 2, w: w - GAP, h: h - GAP };
      if (child.file || child.group || inner.w < 60 || inner.h < HEAD + 24) {
        button(child, inner, `tile ${dominant(child)}${child.file ? "" : " stack"}`);
      } else {
        put(element("div", { class: "frame" }), inner);
        button(child, { ...inner, h: HEAD }, "head");
        lay(child, { x: inner.x + 2, y: inner.y + HEAD, w: inner.w - 4, h: inner.h - HEAD - 2 });
      }
    }
  }

  /** Draw the folder shown; `focus` is the path of the tile that gets the keyboard. */
  function draw(focus) {
    hide();
    map.replaceChildren();
    tiles = [];
    if (shown.tokens > 0) lay(shown, { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight });
    else map.append(element("p", { class: "none" }, "No file is in the pack."));
    const chosen = tiles.find(({ node }) => node.path === focus) ?? tiles[0];
    if (chosen) chosen.button.tabIndex = 0;
    if (chosen && focus !== undefined) chosen.button.focus({ preventScroll: true });
    trail();
    dim();
  }

  function trail() {
    const chain = [];
    for (let node = shown; node; node = node.parent) chain.unshift(node);
    crumbs.replaceChildren(
      ...chain.map((node) => {
        const made = element("button", { type: "button" }, element("bdi", {}, node.name));
        if (node === shown) made.setAttribute("aria-current", "true");
        made.addEventListener("click", () => node === shown || open(node, shown.path));
        return element("li", {}, made);
      }),
      element("li", { class: "total" }, `${count(shown.tokens, "token")}, ${percent(shown.tokens)} of the budget`),
    );
  }

  function open(node, focus = "") {
    shown = node;
    draw(focus);
    place.textContent = `${node.name}: ${count(node.tokens, "token")} in ${count(node.count, "file")}`;
  }

  const act = (node) => (node.file ? document.dispatchEvent(new CustomEvent("reveal", { detail: node.file })) : open(node));

  const anyMatch = (node) => (node.file ? matches(node.file) : node.children.some(anyMatch));

  function dim() {
    for (const { node, button } of tiles) button.classList.toggle("dim", !anyMatch(node));
  }

  /** Lines about a tile: what it is, what it costs, and why it is there. */
  function facts(node) {
    const name = node.group ? `${node.name} in ${node.parent.path || node.parent.name}` : node.path || node.name;
    const cost = `${count(node.tokens, "token")}, ${percent(node.tokens)} of the budget`;
    if (node.file) return [name, `${cost}, ${NAMED[node.file.form]}, rank ${shownRank(node.file.rank)}`, node.file.why];
    const by = FORMS.filter((form) => node.by[form]).map((form) => `${number.format(node.by[form])} ${NAMED[form]}`);
    return [name, `${cost}, ${count(node.count, "file")}`, by.join(", ")];
  }

  function show(tile, x, y) {
    const [name, ...lines] = facts(tile.node);
    const hint = tile.node.file ? "Enter or click: show it in the list" : "Enter or click: open";
    tip.replaceChildren(element("b", {}, pathElement(name)), ...lines.filter(Boolean).map((line) => element("p", {}, line)), element("small", {}, hint));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const [right, bottom] = [document.documentElement.clientWidth - width - 8, window.innerHeight - height - 8];
    tip.style.left = `${Math.max(8, Math.min(x, right))}px`;
    tip.style.top = `${y > bottom ? Math.max(8, y - height - 30) : y}px`;
  }

  function hide() {
    tip.hidden = true;
  }

  const tileOf = (event) => tiles.find(({ button }) => button === event.target.closest("button"));

  /** The nearest tile in a direction, by the distance of centres, sideways counted double. */
  function neighbour(from, [dx, dy]) {
    const centre = ({ box }) => [box.x + box.w / 2, box.y + box.h / 2];
    const [x, y] = centre(from);
    let [best, least] = [from, Infinity];
    for (const tile of tiles) {
      const [tx, ty] = centre(tile);
      const [ahead, aside] = [(tx - x) * dx + (ty - y) * dy, Math.abs((tx - x) * dy + (ty - y) * dx)];
      if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [tile, ahead + 2 * aside];
    }
    return best;
  }

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  map.addEventListener("keydown", (event) => {
    const tile = tileOf(event);
    const next = { Home: tiles[0], End: tiles.at(-1) }[event.key] ?? (WAYS[event.key] && neighbour(tile, WAYS[event.key]));
    if (next) next.button.focus();
    else if (event.key === "Escape" && shown.parent) open(shown.parent, shown.path);
    else return;
    event.preventDefault();
  });
  map.addEventListener("click", (event) => {
    const tile = tileOf(event);
    if (tile) act(tile.node);
  });
  map.addEventListener("focusin", (event) => {
    const tile = tileOf(event);
    for (const { button } of tiles) button.tabIndex = button === tile.button ? 0 : -1;
    const { left, bottom } = tile.button.getBoundingClientRect();
    if (tile.button.matches(":focus-visible")) show(tile, left, bottom + 6);
  });
  map.addEventListener("focusout", hide);
  map.addEventListener("pointermove", (event) => {
    const tile = event.pointerType === "touch" ? undefined : tileOf(event);
    if (tile) show(tile, event.clientX + 14, event.clientY + 18);
    else hide();
  });
  map.addEventListener("pointerleave", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("filtered", dim);
  let width = map.clientWidth;
  draw();
  new ResizeObserver(() => {
    if (map.clientWidth === width) return;
    width = map.clientWidth;
    draw(tiles.find(({ button }) => button === document.activeElement)?.node.path);
  }).observe(map);
}
