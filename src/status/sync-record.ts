import type { SyncObserver } from '../sync/observer.ts';

/** The result of the last transaction that was not empty. */
interface LastChange {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly milliseconds: number;
  /** Element operations. */
  readonly operations: number;
}

/** A change of our table by another program, and when: milliseconds since 1970. */
interface LastDrift {
  readonly at: number;
  readonly message: string;
}

/** The work of one family's syncer. Times are milliseconds since 1970; undefined: never. */
export interface SyncReport {
  /** Since when a change has been waiting to take effect. */
  readonly waitingSince: number | undefined;
  readonly lastChange: LastChange | undefined;
  /** When everything in the kernel was last compared with the model, from end to end. */
  readonly comparedAt: number | undefined;
  /** Milliseconds between such comparisons: a changed element is found within that time. */
  readonly comparedEvery: number | undefined;
  /** The same for the rules alone. */
  readonly rulesComparedAt: number | undefined;
  readonly rulesComparedEvery: number | undefined;
  /** Milliseconds within which a deleted rule is noticed. Less than that if there are dry runs between comparisons. */
  readonly deletedRulesEvery: number | undefined;
  readonly lastDrift: LastDrift | undefined;
  /** Things of ours that others have changed since this daemon started. */
  readonly drifts: number;
  /** How often the table was lost since then, and when it was last. */
  readonly losses: number;
  readonly lostAt: number | undefined;
  /** How often work on the kernel failed since it last succeeded. */
  readonly failures: number;
  /** How the rules in the kernel differed from the model at the last comparison, whether that is repaired or not. */
  readonly differences: readonly string[];
}

/** Records what a syncer tells its observer, for later requests. */
export class SyncRecord {
  readonly #date: () => number;
  #report: SyncReport = {
    waitingSince: undefined,
    lastChange: undefined,
    comparedAt: undefined,
    comparedEvery: undefined,
    rulesComparedAt: undefined,
    rulesComparedEvery: undefined,
    deletedRulesEvery: undefined,
    lastDrift: undefined,
    drifts: 0,
    losses: 0,
    lostAt: undefined,
    failures: 0,
    differences: [],
  };
  #beganAt = 0;

  /** `date`: milliseconds since 1970. */
  constructor(date: () => number = Date.now) {
    this.#date = date;
  }

  get report(): SyncReport {
    return this.#report;
  }

  /** The observer for the syncer. It passes everything on to `next`. */
  before(next: SyncObserver): SyncObserver {
    const note = (news: Partial<SyncReport>) => {
      this.#report = { ...this.#report, ...news };
    };
    return {
      ...next,
      queued: () => {
        if (this.#report.waitingSince === undefined) note({ waitingSince: this.#date() });
        next.queued();
      },
      began: () => {
        this.#beganAt = this.#date();
        next.began();
      },
      succeeded: (result) => {
        const at = this.#date();
        const { operations } = result;
        if (operations > 0) note({ lastChange: { at, milliseconds: at - this.#beganAt, operations } });
        note({ waitingSince: undefined, failures: 0 });
        next.succeeded(result);
      },
      unaffected: () => {
        note({ waitingSince: undefined });
        next.unaffected();
      },
      verified: () => {
        note({ waitingSince: undefined, failures: 0 });
        next.verified();
      },
      failed: (error) => {
        note({ failures: this.#report.failures + 1, waitingSince: this.#report.waitingSince ?? this.#date() });
        next.failed(error);
      },
      tableLost: () => {
        const at = this.#date();
        note({ losses: this.#report.losses + 1, lostAt: at, waitingSince: this.#report.waitingSince ?? at });
        next.tableLost();
      },
      drifted: (drift, isNews) => {
        note({ drifts: this.#report.drifts + 1, lastDrift: { at: this.#date(), message: drift.message } });
        next.drifted(drift, isNews);
      },
      compared: (differing, every) => {
        const differences = differing.map(({ message }) => message);
        note({ differences, rulesComparedAt: this.#date(), rulesComparedEvery: every });
        next.compared(differing, every);
      },
      noticesDeletions: (every) => {
        note({ deletedRulesEvery: every });
        next.noticesDeletions(every);
      },
      audited: (round) => {
        note({ comparedAt: this.#date(), ...(round !== undefined && { comparedEvery: round }) });
        next.audited(round);
      },
    };
  }
}
