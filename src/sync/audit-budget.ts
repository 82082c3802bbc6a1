/**
 * Milliseconds of CPU time that a process of nft takes, ours for it included; for each character that it prints; and for
 * each one that is read and compared (1.0.6, 2 cores, 50,000 elements of 94 characters).
 */
const PROCESS_COST = 8;
const CHARACTER_COST = 0.000_3;
const READING_COST = 0.000_1;

/** Of one CPU what listings of elements may take, those of all families together, while there is no trouble. */
const ELEMENTS_SHARE = 0.0048;

/** The same for listings of rules, and what of it dry runs take where they go on beside them. */
const RULES_SHARE = 0.0024;
const DRY_RUNS_SHARE = 0.0008;

/** Milliseconds from one listing of rules to the next, if they are few; else from one dry run to the next. */
export const RULES_INTERVAL = 5000;

/**
 * As those above, for rules: nft sorts nothing there. 16,000 characters take nft 6.4 ms, and 3 million take it 330; to read
 * and compare these takes us 150.
 */
const RULES_PROCESS_COST = 6;
const RULES_CHARACTER_COST = 0.000_17;

/** Milliseconds: with more from one listing to the next there are dry runs, since a deleted rule is to be noticed sooner. */
const LONG = 6000;

/** Milliseconds of CPU time that a listing of so many characters takes. `isRead`: its lines were looked at, too. */
export function listingCost(size: number, isRead = true): number {
  return PROCESS_COST + (CHARACTER_COST + (isRead ? READING_COST : 0)) * size;
}

/** The same for a listing of rules that are compared. */
export function rulesCost(size: number): number {
  return RULES_PROCESS_COST + RULES_CHARACTER_COST * size;
}

/** True where listings of that cost come so rarely that dry runs are wanted between them. */
export function needsDryRuns(cost: number): boolean {
  return rulesInterval(cost) > LONG;
}

/** Milliseconds until the rules may be listed again. `withDryRuns`: these go on meanwhile. */
export function rulesInterval(cost: number, withDryRuns = false): number {
  const share = RULES_SHARE - (withDryRuns ? DRY_RUNS_SHARE : 0);
  return Math.max(RULES_INTERVAL, cost / share - cost);
}

/** What listings of elements may cost; the families share one. */
export class AuditBudget {
  #free = Number.NEGATIVE_INFINITY;

  /** The moment from which on there is something left, in the milliseconds that `spend` is given. */
  get free(): number {
    return this.#free;
  }

  /** Takes so many milliseconds of CPU time. */
  spend(now: number, cost: number): void {
    this.#free = Math.max(now, this.#free) + cost / ELEMENTS_SHARE;
  }
}
