/** Milliseconds between checks that heartbeats cause: multiplied each time, up to the maximum. */
const FIRST = 1000;
const FACTOR = 4;
const MOST = 3_600_000;

/** After this many good heartbeats in a row, the next bad one causes a check at once. */
const RECOVERED = 20;

/**
 * Decides when a bad heartbeat causes a check of the kernel. The first one does at once. If they stay bad, or are bad again
 * and again, although checks find everything in place (another program's firewall, a full conntrack table), checks become
 * rare, because each reads all elements.
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

  /** A bad heartbeat at `now` (milliseconds). Returns true if it should cause a check. */
  bad(now: number): boolean {
    this.#good = 0;
    if (now < this.#due) return false;
    this.#due = now + this.#pause;
    this.#pause = Math.min(this.#pause * FACTOR, MOST);
    return true;
  }
}
