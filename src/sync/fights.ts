import { pauseAfter } from '../host/backoff.ts';

/** So often something is mended at once; from then on pauses grow. */
const AT_ONCE = 3;

/** Milliseconds: the first pause, doubled each time, up to the last; and how long a thing must rest to be forgotten. */
const PAUSES = { first: 5_000, most: 300_000 };
const FORGET = 1_800_000;

/** What is remembered at most. Beyond that the oldest is forgotten. */
const MAX_REMEMBERED = 2_000;

/** What is undone again and again by somebody else: mending it at once each time would be a fight without end. */
export class Fights {
  readonly #times = new Map<string, { count: number; last: number }>();

  /** True if a thing may be mended now; notes that it is. `now`: milliseconds. */
  mayMend(key: string, now: number): boolean {
    const before = this.#times.get(key);
    const { count, last } = before !== undefined && now - before.last < FORGET ? before : { count: 0, last: now };
    if (now - last < pauseAfter(count - AT_ONCE, PAUSES)) return false;
    this.#times.delete(key);
    this.#times.set(key, { count: count + 1, last: now });
    const [oldest] = this.#times.keys();
    if (this.#times.size > MAX_REMEMBERED && oldest !== undefined) this.#times.delete(oldest);
    return true;
  }

  /** True if mending it has been put off for the first time just now: that is worth a line. */
  hasBegun(key: string): boolean {
    return this.#times.get(key)?.count === AT_ONCE + 1;
  }

  /** Milliseconds until a thing is mended again if it is undone. */
  pauseOf(key: string): number {
    return pauseAfter((this.#times.get(key)?.count ?? 0) - AT_ONCE, PAUSES);
  }
}
