/**
 * What a transaction of a live table may weigh at most (see weight.ts), and at least: half of what is best for a table that
 * nobody waits for. Whoever changes a Service while others change much waits for one such transaction, and for the one
 * that brings the change.
 */
const LIMITS = { most: 5_000, least: 500 };

/** Milliseconds that a transaction should take at most. Two cores take 125 for the heaviest (nft 1.0.6). */
const GOAL = 200;

/** A lighter one tells how long it takes to start nft, not what its elements cost. */
const TELLING = 500;

/** How much a transaction may weigh on this machine as busy as it is: what the last ones took says so. */
export class WeightLimit {
  #limit = LIMITS.most;

  get value(): number {
    return this.#limit;
  }

  /** Notes how many milliseconds a transaction of some weight took. */
  took(ms: number, weight: number): void {
    if (weight < Math.min(TELLING, this.#limit / 2)) return;
    const fitting = (weight * GOAL) / Math.max(ms, 1);
    // At once to less, by and by to more.
    const next = Math.min(fitting, (this.#limit * 5) / 4);
    this.#limit = Math.min(Math.max(next, LIMITS.least), LIMITS.most);
  }
}
