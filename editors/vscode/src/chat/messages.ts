/** What the extension and its page tell each other. */

import type { Exchange } from "./conversation";

/** From the extension to the page. */
export type ToPage =
  | { readonly type: "show"; readonly exchanges: readonly Exchange[] }
  | { readonly type: "exchange"; readonly exchange: Exchange }
  /** Why nothing can be asked; "" if it can. */
  | { readonly type: "problem"; readonly problem: string }
  /** The code that the next question is about; "" for none. */
  | { readonly type: "about"; readonly about: string }
  /** What is being read, and how far from 0 to 1; "" for nothing. */
  | { readonly type: "progress"; readonly text: string; readonly fraction: number | null }
  /** The keyboard goes to the question, which is `question` if that is not "". */
  | { readonly type: "focus"; readonly question: string };

/** From the page to the extension. */
export type FromPage =
  | { readonly type: "ready" }
  | { readonly type: "ask"; readonly question: string }
  | { readonly type: "stop" }
  | { readonly type: "open"; readonly exchange: number; readonly citation: number }
  | { readonly type: "copy"; readonly text: string }
  | { readonly type: "forgetAbout" }
  | { readonly type: "warm" }
  | { readonly type: "help" };
