/** How often a server that dies is started again before its user is bothered. Does not know: the server. */

export const MAX_RESTARTS = 3;
const SPAN_MS = 5 * 60_000;

/** Counts deaths; a server that lived through a quiet span begins anew. */
export class Restarts {
  private deaths: number[] = [];

  /** Note a death at `nowMs`; returns whether to start again. */
  died(nowMs: number): boolean {
    this.deaths = [...this.deaths.filter((at) => nowMs - at < SPAN_MS), nowMs];
    return this.deaths.length <= MAX_RESTARTS;
  }

  /** The user took it in hand. */
  forget(): void {
    this.deaths = [];
  }
}
