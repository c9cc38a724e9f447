/** How often a server that dies is started again before its user is bothered. Does not know: the server. */

export const MAX_RESTARTS = 3;
const PAUSE_MS = 250;
const SPAN_MS = 5 * 60_000;

/** Counts deaths; a server that lived through a quiet span begins anew. */
export class Restarts {
  private deaths: number[] = [];

  /** Note a death at `nowMs`; returns after how many milliseconds to start again, null for not at all. */
  died(nowMs: number): number | null {
    this.deaths = [...this.deaths.filter((at) => nowMs - at < SPAN_MS), nowMs];
    return this.deaths.length <= MAX_RESTARTS ? PAUSE_MS * 2 ** (this.deaths.length - 1) : null;
  }

  /** The user took it in hand. */
  forget(): void {
    this.deaths = [];
  }
}
