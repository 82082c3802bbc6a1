/**
 * The largest and the smallest limit for the weight of a transaction of a live table (see weight.ts): half of what is best
 * for a table that nobody waits for. During many changes, a change of one Service waits for one such transaction, and for
 * the one that contains it.
 */
const LIMITS = { most: 5_000, least: 500 };

/** Milliseconds that a transaction should take at most. Two cores take 125 for the heaviest (nft 1.0.6). */
const GOAL = 200;

/** A lighter transaction shows how long it takes to start nft, not what its elements cost. */
const TELLING = 500;

/** How much a transaction may weigh on this machine under its current load, as measured by the last transactions. */
export class WeightLimit {
  #limit = LIMITS.most;

  get value(): number {
    return this.#limit;
  }

  /** Notes how many milliseconds a transaction of some weight took. */
  took(ms: number, weight: number): void {
    if (weight < Math.min(TELLING, this.#limit / 2)) return;
    const fitting = (weight * GOAL) / Math.max(ms, 1);
    // Down at once, up little by little.
    const next = Math.min(fitting, (this.#limit * 5) / 4);
    this.#limit = Math.min(Math.max(next, LIMITS.least), LIMITS.most);
  }
}
