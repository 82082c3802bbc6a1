import type { Log } from '../log.ts';

/** The period for counting. */
const PERIOD_MS = 3_600_000;

/** At most this many warnings in a period. */
const WARNINGS = 100;

/** How much is remembered so as not to report it twice. Beyond that, the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

export interface ToldOnceOptions {
  readonly log: Log;
  /** Of what no more warnings come, after the number of them: "conflicts of Services were reported". */
  readonly enough: string;
  /** At most this many events an hour. */
  readonly events: number;
  /** Milliseconds from any origin. */
  readonly now?: (() => number) | undefined;
}

/**
 * Warns of each thing once, and only so many times an hour (all are logged at `-v 2`): tenants can cause warnings as fast as
 * the API server accepts objects.
 */
export class ToldOnce {
  readonly #options: ToldOnceOptions;
  readonly #now: () => number;
  readonly #told = new Set<string>();
  #period = { began: Number.NEGATIVE_INFINITY, told: 0 };

  constructor(options: ToldOnceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Reports a thing. Returns true if it is worth an event. */
  tell(key: string, describe: () => string): boolean {
    const number = this.#count(key);
    if (number === undefined) return false;
    const { log, enough, events } = this.#options;
    if (number <= WARNINGS) log.warn(describe());
    else log.detail(2, describe());
    if (number === WARNINGS) log.warn(`${number} ${enough}; further ones in this hour are logged only at -v 2`);
    return number <= events;
  }

  /** The number of this report within its hour, from 1; undefined if it was already reported. */
  #count(key: string): number | undefined {
    if (this.#told.has(key)) return undefined;
    const [oldest] = this.#told;
    if (this.#told.size >= MAX_REMEMBERED && oldest !== undefined) this.#told.delete(oldest);
    this.#told.add(key);
    const now = this.#now();
    if (now - this.#period.began >= PERIOD_MS) this.#period = { began: now, told: 0 };
    return ++this.#period.told;
  }
}
