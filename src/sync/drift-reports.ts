import type { Drift } from '../audit/drift.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { SyncObserver } from './observer.ts';
import { ToldOnce } from './told-once.ts';

/** Milliseconds. A difference that comes back within this time is not reported again. */
const HELD_DOWN = 600_000;

/** How many differences of one look are named. */
const NAMED = 20;

/** At most this many events an hour. */
const EVENTS = 10;

export interface DriftReportsOptions {
  readonly family: Family;
  readonly log: Log;
  readonly observer: Pick<SyncObserver, 'drifted'>;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/**
 * Reports what others did to our table: one line for each difference. A difference that comes back within ten minutes is not
 * reported again.
 */
export class DriftReports {
  readonly #options: DriftReportsOptions;
  #told: ToldOnce;
  #since = Number.NEGATIVE_INFINITY;

  constructor(options: DriftReportsOptions) {
    this.#options = options;
    this.#told = this.#begin();
  }

  /** Reports what one look found. */
  report(drifts: readonly Drift[]): void {
    const { family, log, observer, now } = this.#options;
    if (now() - this.#since > HELD_DOWN) this.#told = this.#begin();
    for (const [i, drift] of drifts.entries()) {
      const isNews =
        i < NAMED && this.#told.tell(drift.key, () => `somebody changed our rules (${family}): ${drift.message}`);
      observer.drifted(drift, isNews);
    }
    if (drifts.length > NAMED) {
      log.warn(`somebody changed our rules (${family}): ${drifts.length - NAMED} more differ`);
    }
  }

  #begin(): ToldOnce {
    const { log, now } = this.#options;
    this.#since = now();
    return new ToldOnce({ log, now, enough: 'changes to our rules by others were reported', events: EVENTS });
  }
}
