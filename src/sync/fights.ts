import { pauseAfter } from '../host/backoff.ts';

/** So often a difference is repaired at once. After that, the pauses grow. */
const AT_ONCE = 3;

/**
 * Milliseconds: the first pause, doubled each time up to the last. After a rest as long as the last one, a difference is
 * forgotten.
 */
const PAUSES = { first: 5_000, most: 300_000 };
const FORGET = 1_800_000;

/** The maximum number of differences to remember. Beyond it, the oldest is forgotten. */
const MAX_REMEMBERED = 2_000;

/** Differences that somebody else keeps restoring. To repair them at once each time would be an endless fight. */
export class Fights {
  readonly #times = new Map<string, { count: number; last: number }>();

  /** True if a difference may be repaired now, which is noted. `now`: milliseconds. */
  mayRepair(key: string, now: number): boolean {
    const before = this.#times.get(key);
    const { count, last } = before !== undefined && now - before.last < FORGET ? before : { count: 0, last: now };
    if (now - last < pauseAfter(count - AT_ONCE, PAUSES)) return false;
    this.#times.delete(key);
    this.#times.set(key, { count: count + 1, last: now });
    const [oldest] = this.#times.keys();
    if (this.#times.size > MAX_REMEMBERED && oldest !== undefined) this.#times.delete(oldest);
    return true;
  }

  /** True if repairing was put off for the first time just now, which is worth a log line. */
  hasBegun(key: string): boolean {
    return this.#times.get(key)?.count === AT_ONCE + 1;
  }

  /** Milliseconds until a difference is repaired again if it comes back. */
  pauseOf(key: string): number {
    return pauseAfter((this.#times.get(key)?.count ?? 0) - AT_ONCE, PAUSES);
  }
}
