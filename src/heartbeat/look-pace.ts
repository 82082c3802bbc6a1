/** Milliseconds from one look to the next that a heartbeat asks for: so many times as long each time, up to the most. */
const FIRST = 1000;
const FACTOR = 4;
const MOST = 3_600_000;

/** After so many good beats in a row the next bad one leads to a look at once. */
const RECOVERED = 20;

/**
 * When a bad heartbeat asks for a look at the kernel. The first one does, at once. Where they stay bad, or come and go, though
 * a look finds all in place (a foreign firewall, a full conntrack table), looks become rare: each reads all elements.
 */
export class LookPace {
  #due = Number.NEGATIVE_INFINITY;
  #pause = FIRST;
  #good = 0;

  good(): void {
    this.#good++;
    if (this.#good < RECOVERED) return;
    this.#pause = FIRST;
    this.#due = Number.NEGATIVE_INFINITY;
  }

  /** A bad beat at `now` (milliseconds): true if it is to lead to a look. */
  bad(now: number): boolean {
    this.#good = 0;
    if (now < this.#due) return false;
    this.#due = now + this.#pause;
    this.#pause = Math.min(this.#pause * FACTOR, MOST);
    return true;
  }
}
