import type { Frontend } from '../../service/frontend.ts';
import type { Element } from '../elements/element.ts';
import type { Entry } from './entry.ts';
import type { FrontendPlan } from './frontend-elements.ts';
import type { LeavingSlot } from './slots.ts';

/** One step of the work on a frontend. */
export type FrontendStep =
  | { readonly interval: Entry }
  | { readonly leaving: LeavingSlot }
  | { readonly wanted: Element };

/**
 * The steps to bring a frontend to its desired state, and how many are done: deletions first, then additions, and each
 * element before what leads to it. So any prefix of the steps is safe for packets. The slots of a frontend are always dense:
 * the last are deleted first, and the first are added first.
 */
export class FrontendWork {
  readonly frontend: Frontend | undefined;
  readonly leaving: readonly LeavingSlot[];
  /** What the frontend has so far. */
  readonly held: Entry[] = [];
  /** How many steps are done. */
  done = 0;
  readonly #passing: number;
  readonly #elements: readonly Element[];
  readonly #intervals: readonly Entry[];
  /**
   * What is wanted although the frontend is not done, including elements of an earlier version that was not finished either.
   */
  readonly #staged: Set<Entry>;
  /** How many of `held` are in it. */
  #kept = 0;

  /** `intervals`: those to delete. `begun`: the work that this work replaces. */
  constructor(
    frontend: Frontend | undefined,
    plan: FrontendPlan,
    intervals: readonly Entry[],
    begun: FrontendWork | undefined,
  ) {
    this.frontend = frontend;
    this.leaving = plan.leaving;
    this.#passing = plan.passing.length;
    this.#elements = plan.passing.length === 0 ? plan.elements : [...plan.passing, ...plan.elements];
    this.#intervals = intervals;
    this.#staged = begun === undefined ? new Set() : begun.#staged;
  }

  /** How many steps there are. */
  get steps(): number {
    return this.#intervals.length + this.leaving.length + this.#elements.length;
  }

  /** The next step, which then counts as done. */
  next(): FrontendStep {
    const step = this.done++;
    const interval = this.#intervals[step];
    if (interval !== undefined) return { interval };
    const afterIntervals = step - this.#intervals.length;
    const leaving = this.leaving[this.leaving.length - 1 - afterIntervals];
    if (leaving !== undefined) return { leaving };
    const wanted = this.#elements[afterIntervals - this.leaving.length];
    if (wanted === undefined) throw new Error('there is no such step');
    return { wanted };
  }

  /** Of `held`, once all is done: what it keeps, and what it had only for packets on their way. */
  get result(): { readonly kept: readonly Entry[]; readonly passing: readonly Entry[] } {
    if (this.#passing === 0) return { kept: this.held, passing: [] };
    return { kept: this.held.slice(this.#passing), passing: this.held.slice(0, this.#passing) };
  }

  /** What is kept although the frontend is not done. */
  get staged(): ReadonlySet<Entry> {
    return this.#staged;
  }

  /** Keeps what the frontend has so far. */
  stage(): void {
    for (const element of this.held.slice(this.#kept)) {
      if (this.#staged.has(element)) continue;
      this.#staged.add(element);
      element.references++;
    }
    this.#kept = this.held.length;
  }

  /** Ends that. Returns what was kept. */
  unstage(): Iterable<Entry> {
    for (const element of this.#staged) element.references--;
    return this.#staged;
  }
}
