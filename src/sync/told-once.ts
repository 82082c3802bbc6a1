import type { Log } from '../log.ts';

/** In each period so much is counted. */
const PERIOD_MS = 3_600_000;

/** In each period so many are warnings. */
const WARNINGS = 100;

/** What was told, so as not to tell it twice. Beyond that the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

export interface ToldOnceOptions {
  readonly log: Log;
  /** Of what no more warnings come, after the number of them: "conflicts of Services were reported". */
  readonly enough: string;
  /** In an hour so many are worth an event. */
  readonly events: number;
  /** Milliseconds, from any start. */
  readonly now?: (() => number) | undefined;
}

/**
 * Warns of each thing once, and no more than so many times an hour (all are told at `-v 2`): tenants can give reasons for
 * warnings as fast as the API server takes them.
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

  /** Tells a thing; true if it is worth an event, too. */
  tell(key: string, describe: () => string): boolean {
    const number = this.#count(key);
    if (number === undefined) return false;
    const { log, enough, events } = this.#options;
    if (number <= WARNINGS) log.warn(describe());
    else log.detail(2, describe());
    if (number === WARNINGS) log.warn(`${number} ${enough}; further ones in this hour are logged only at -v 2`);
    return number <= events;
  }

  /** The number of this one in its hour, from 1 on; undefined if it was told already. */
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
