import type { Frontend } from '../../service/frontend.ts';
import type { Element } from '../elements/element.ts';
import type { Entry } from './entry.ts';
import type { FrontendPlan } from './frontend-elements.ts';
import type { LeavingSlot } from './slots.ts';

/** One thing to be done for a frontend. */
export type FrontendStep =
  | { readonly interval: Entry }
  | { readonly leaving: LeavingSlot }
  | { readonly wanted: Element };

/**
 * What is to be done for a frontend, and how much of it is: what goes first, then what comes, and what leads to an
 * element after that. So packets can meet any part of it. The slots of a frontend are dense at any time: the last ones go
 * first, and the first ones come first.
 */
export class FrontendWork {
  readonly frontend: Frontend | undefined;
  readonly leaving: readonly LeavingSlot[];
  /** What the frontend has so far. */
  readonly held: Entry[] = [];
  /** How many steps are done. */
  done = 0;
  readonly #elements: readonly Element[];
  readonly #intervals: readonly Entry[];
  /** What is wanted though the frontend is not done; that of a version before that was not done either, too. */
  readonly #staged: Set<Entry>;
  /** How many of `held` are in it. */
  #kept = 0;

  /** `intervals`: those to go. `begun`: the work that this one takes the place of. */
  constructor(
    frontend: Frontend | undefined,
    plan: FrontendPlan,
    intervals: readonly Entry[],
    begun: FrontendWork | undefined,
  ) {
    this.frontend = frontend;
    this.leaving = plan.leaving;
    this.#elements = plan.elements;
    this.#intervals = intervals;
    this.#staged = begun === undefined ? new Set() : begun.#staged;
  }

  /** How many steps there are. */
  get steps(): number {
    return this.#intervals.length + this.leaving.length + this.#elements.length;
  }

  /** The next step, which counts as done then. */
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

  /** What is kept though the frontend is not done. */
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

  /** Ends that; returns what was kept. */
  unstage(): Iterable<Entry> {
    for (const element of this.#staged) element.references--;
    return this.#staged;
  }
}
