/**
 * Milliseconds of CPU time: for an nft process, including our own share; for each character that it prints; and for each
 * character that is parsed and compared (nft 1.0.6, 2 cores, 50,000 elements of 94 characters).
 */
const PROCESS_COST = 8;
const CHARACTER_COST = 0.000_3;
const READING_COST = 0.000_1;

/** The share of one CPU that listings of elements may take, for all families together, while there is no trouble. */
const ELEMENTS_SHARE = 0.0048;

/** The same for listings of rules, and how much of it dry runs take where they are in use. */
const RULES_SHARE = 0.0024;
const DRY_RUNS_SHARE = 0.0008;

/** Milliseconds between listings of rules if there are few rules, otherwise between dry runs. */
export const RULES_INTERVAL = 5000;

/**
 * The same costs for rules. They are lower, because nft does not sort rules: it takes 6.4 ms for 16,000 characters, and 330
 * ms for 3 million. We take 150 ms to parse and compare the latter.
 */
const RULES_PROCESS_COST = 6;
const RULES_CHARACTER_COST = 0.000_17;

/**
 * Milliseconds. If listings are further apart than this, dry runs fill the gap, so that deleted rules are noticed sooner.
 */
const LONG = 6000;

/** Milliseconds of CPU time for a listing of `size` characters. `isRead`: its lines were parsed, too. */
export function listingCost(size: number, isRead = true): number {
  return PROCESS_COST + (CHARACTER_COST + (isRead ? READING_COST : 0)) * size;
}

/** The same for a listing of rules that are compared. */
export function rulesCost(size: number): number {
  return RULES_PROCESS_COST + RULES_CHARACTER_COST * size;
}

/** True if listings at this cost are so rare that dry runs are needed between them. */
export function needsDryRuns(cost: number): boolean {
  return rulesInterval(cost) > LONG;
}

/** Milliseconds until rules may be listed again. `withDryRuns`: there are dry runs in between. */
export function rulesInterval(cost: number, withDryRuns = false): number {
  const share = RULES_SHARE - (withDryRuns ? DRY_RUNS_SHARE : 0);
  return Math.max(RULES_INTERVAL, cost / share - cost);
}

/** Limits the cost of listings of elements. The families share one budget. */
export class AuditBudget {
  #free = Number.NEGATIVE_INFINITY;

  /** When the next listing may begin, in milliseconds of the clock that `spend` is given. */
  get free(): number {
    return this.#free;
  }

  /** Uses up `cost` milliseconds of CPU time. */
  spend(now: number, cost: number): void {
    this.#free = Math.max(now, this.#free) + cost / ELEMENTS_SHARE;
  }
}
