/** The chat page at work: shows exchanges as they change, and tells the extension what its user does. */

import type { Exchange } from "../chat/conversation";
import type { FromPage, ToPage } from "../chat/messages";
import { places } from "./citations";
import { anchor, render } from "./markdown";

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): { readonly draft?: string } | undefined;
  setState(state: { readonly draft: string }): void;
};

const vscode = acquireVsCodeApi();
const list = element("exchanges", HTMLElement);
const empty = element("empty", HTMLElement);
const form = element("ask", HTMLFormElement);
const question = element("question", HTMLTextAreaElement);
const send = element("send", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const about = element("about", HTMLElement);
const problem = element("problem", HTMLElement);
const progress = element("progress", HTMLElement);
/** How the server's advice names the command that reads everything. */
const WARM = "`copilot warm`";
/** How near to its end the list must be to follow what is added. */
const NEAR_PX = 40;

let exchanges = new Map<number, Exchange>();
const changed = new Set<number>();

window.addEventListener("message", (event: MessageEvent<ToPage>) => {
  const message = event.data;
  switch (message.type) {
    case "show":
      exchanges = new Map(message.exchanges.map((each) => [each.id, each]));
      list.querySelectorAll("article").forEach((each) => each.remove());
      exchanges.forEach((each) => draw(each));
      list.scrollTop = list.scrollHeight;
      update();
      break;
    case "exchange":
      later(message.exchange);
      break;
    case "problem":
      showIn(problem, message.problem);
      break;
    case "about":
      showIn(about, message.about);
      break;
    case "progress":
      showProgress(message.text, message.fraction);
      break;
    case "focus":
      if (message.question !== "") {
        write(message.question);
      }
      question.focus();
      break;
  }
});

// -- asking ---------------------------------------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(question.value);
});
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask(question.value);
  } else if (event.key === "ArrowUp" && question.value === "") {
    event.preventDefault();
    write([...exchanges.values()].at(-1)?.question ?? "");
  }
});
question.addEventListener("input", fit);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isRunning()) {
    vscode.postMessage({ type: "stop" });
  }
});
stop.addEventListener("click", () => {
  vscode.postMessage({ type: "stop" });
  question.focus();
});
about.querySelector("button")?.addEventListener("click", () => {
  vscode.postMessage({ type: "forgetAbout" });
  question.focus();
});
problem.querySelector("button")?.addEventListener("click", () => vscode.postMessage({ type: "help" }));
empty.addEventListener("click", (event) => {
  if (event.target instanceof HTMLButtonElement) {
    ask(event.target.innerText);
  }
});

function ask(text: string): void {
  if (text.trim() !== "" && !isRunning()) {
    vscode.postMessage({ type: "ask", question: text.trim() });
    write("");
    question.focus();
  }
}

function write(text: string): void {
  question.value = text;
  fit();
}

/** The field is as high as what is in it, and what is in it is kept while the view is hidden. */
function fit(): void {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight + 2}px`;
  vscode.setState({ draft: question.value });
}

// -- answers --------------------------------------------------------------------------------------------------------

list.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const cited = target?.closest<HTMLElement>("a.citation");
  const copy = target?.closest("button.copy");
  if (cited) {
    event.preventDefault();
    const exchange = Number(cited.closest<HTMLElement>("article")?.dataset["exchange"]);
    vscode.postMessage({ type: "open", exchange, citation: Number(cited.dataset["citation"]) });
  } else if (target?.closest("button.warm")) {
    vscode.postMessage({ type: "warm" });
  } else if (copy) {
    vscode.postMessage({ type: "copy", text: copy.parentElement?.querySelector("code")?.textContent ?? "" });
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  }
});

/** Many pieces come between two frames; each frame draws what there is by then. */
function later(exchange: Exchange): void {
  if (changed.size === 0) {
    requestAnimationFrame(() => {
      const follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX;
      changed.forEach((id) => {
        const each = exchanges.get(id);
        if (each !== undefined) {
          draw(each);
        }
      });
      changed.clear();
      update();
      if (follows) {
        list.scrollTop = list.scrollHeight;
      }
    });
  }
  exchanges.set(exchange.id, exchange);
  changed.add(exchange.id);
}

function draw(exchange: Exchange): void {
  const article = articleOf(exchange);
  article.dataset["state"] = exchange.state;
  const answer = part(article, "answer");
  answer.setAttribute("aria-busy", String(exchange.state === "running"));
  // What `render` returns can do nothing but be read; the page's policy says so, too.
  answer.innerHTML = render(exchange.answer, exchange.citations);
  const sources = places(exchange.citations).map((at) => `<li>${anchor(at, exchange.citations)}</li>`);
  part(article, "sources").innerHTML = sources.length > 0 ? `<ul aria-label="Cited places">${sources.join("")}</ul>` : "";
  const notices = exchange.notices.map((notice) => advice(notice.text, notice.level));
  part(article, "notices").replaceChildren(...notices);
  const nothing = exchange.answer.trim() === "" ? "The model had nothing to say" : "";
  const end = { failed: exchange.error, stopped: "Stopped", running: "", done: nothing }[exchange.state];
  part(article, "end").replaceChildren(...(end === "" ? [] : [paragraph(end, exchange.state)]));
}

function articleOf(exchange: Exchange): HTMLElement {
  const known = list.querySelector<HTMLElement>(`article[data-exchange="${exchange.id}"]`);
  if (known) {
    return known;
  }
  const article = document.createElement("article");
  article.dataset["exchange"] = String(exchange.id);
  const asked = paragraph(exchange.question, "question");
  if (exchange.about !== null) {
    asked.append(paragraph(exchange.about, "about"));
  }
  const parts = ["answer", "sources", "notices", "end"].map((name) => {
    const made = document.createElement("div");
    made.className = name;
    return made;
  });
  parts[0]?.setAttribute("aria-live", "polite");
  article.append(asked, ...parts);
  list.append(article);
  return article;
}

function update(): void {
  empty.hidden = exchanges.size > 0;
  send.hidden = isRunning();
  stop.hidden = !isRunning();
}

function isRunning(): boolean {
  return [...exchanges.values()].some((each) => each.state === "running");
}

// -- small things ---------------------------------------------------------------------------------------------------

function showIn(place: HTMLElement, text: string): void {
  place.hidden = text === "";
  const span = place.querySelector("span");
  if (span) {
    span.textContent = text;
  }
}

function showProgress(text: string, fraction: number | null): void {
  showIn(progress, text);
  const bar = progress.querySelector("progress");
  if (bar && fraction !== null) {
    bar.value = fraction;
  } else {
    bar?.removeAttribute("value");
  }
}

function paragraph(text: string, name: string): HTMLElement {
  const made = document.createElement("p");
  made.className = name;
  made.textContent = text;
  return made;
}

/** A notice; the command it advises can be clicked. */
function advice(text: string, name: string): HTMLElement {
  const made = paragraph("", name);
  text.split(WARM).forEach((piece, at) => {
    if (at > 0) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "warm";
      button.textContent = "Read the whole repository";
      made.append(button);
    }
    made.append(piece);
  });
  return made;
}

function part(article: HTMLElement, name: string): HTMLElement {
  const found = article.querySelector<HTMLElement>(`.${name}`);
  if (!found) {
    throw new Error(`an exchange has no ${name}`);
  }
  return found;
}

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) {
    throw new Error(`the page has no ${id}`);
  }
  return found;
}

write(vscode.getState()?.draft ?? "");
vscode.postMessage({ type: "ready" });
