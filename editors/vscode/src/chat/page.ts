/** The page of the chat view: its HTML and what it may load. Pure. Does not know: what is shown in it. */

/** Where the page's own parts are, and what the view is allowed to name as its source. */
export interface Parts {
  readonly script: string;
  readonly style: string;
  readonly source: string;
  readonly nonce: string;
}

const EXAMPLES = [
  "What does this project do, and where does it start?",
  "Where is configuration read, and what wins?",
  "How is this tested?",
];

/** The whole document. Nothing but its own script and style is loaded, and nothing is sent anywhere. */
export function page(parts: Parts): string {
  const policy = `default-src 'none'; style-src ${parts.source}; script-src 'nonce-${parts.nonce}'`;
  const examples = EXAMPLES.map((text) => `<button type="button" class="example">${text}</button>`).join("");
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${parts.style}">
  <title>Ask about this repository</title>
</head>
<body>
  <div id="problem" role="alert" hidden><span></span> <button type="button">What to do</button></div>
  <main id="exchanges" tabindex="-1" aria-label="Questions and answers">
    <div id="empty"><p>Ask anything about this repository. Answers cite files and lines, and nothing leaves this machine.</p>${examples}</div>
  </main>
  <div id="progress" role="status" hidden><span></span><progress></progress></div>
  <form id="ask">
    <div id="about" hidden><span></span><button type="button" title="Ask without it" aria-label="Ask without it">×</button></div>
    <textarea id="question" rows="1" placeholder="Ask about this repository" aria-label="Question. Enter asks, Shift and Enter begins a new line, Escape stops the answer"></textarea>
    <button type="submit" id="send">Ask</button>
    <button type="button" id="stop" hidden>Stop</button>
  </form>
  <script nonce="${parts.nonce}" src="${parts.script}"></script>
</body>
</html>`;
}
