/** In each period so much is counted. */
const PERIOD_MS = 3_600_000;

/** What was told, so as not to tell it twice. Beyond that the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

/**
 * What was told already, and how much in this hour: tenants can give reasons for warnings as fast as the API server takes
 * them.
 */
export class ToldOnce {
  readonly #now: () => number;
  readonly #told = new Set<string>();
  #period = { began: Number.NEGATIVE_INFINITY, told: 0 };

  /** `now`: milliseconds, from any start. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The number of this one in its hour, from 1 on; undefined if it was told already. */
  count(key: string): number | undefined {
    if (this.#told.has(key)) return undefined;
    const [oldest] = this.#told;
    if (this.#told.size >= MAX_REMEMBERED && oldest !== undefined) this.#told.delete(oldest);
    this.#told.add(key);
    const now = this.#now();
    if (now - this.#period.began >= PERIOD_MS) this.#period = { began: now, told: 0 };
    return ++this.#period.told;
  }
}
