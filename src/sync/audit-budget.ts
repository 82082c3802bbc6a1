/**
 * Milliseconds of CPU time that a process of nft takes, ours for it included; for each character that it prints; and for
 * each one that is read and compared (1.0.6, 2 cores, 50,000 elements of 94 characters).
 */
const PROCESS_COST = 8;
const CHARACTER_COST = 0.000_3;
const READING_COST = 0.000_1;

/** Of one CPU what listings of elements may take, those of all families together, while there is no trouble. */
const ELEMENTS_SHARE = 0.0048;

/** The same for listings of rules. */
const RULES_SHARE = 0.0024;

/** Milliseconds from one listing of rules to the next, if they are few. */
const RULES_INTERVAL = 5000;

/** Milliseconds of CPU time that a listing of so many characters takes. `isRead`: its lines were looked at, too. */
export function listingCost(size: number, isRead = true): number {
  return PROCESS_COST + (CHARACTER_COST + (isRead ? READING_COST : 0)) * size;
}

/** Milliseconds until the rules may be listed again. */
export function rulesInterval(cost: number): number {
  return Math.max(RULES_INTERVAL, cost / RULES_SHARE - cost);
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
