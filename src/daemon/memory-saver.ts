import { setFlagsFromString } from 'node:v8';
import { type Clock, SYSTEM_CLOCK } from '../sync/clock.ts';

/** So many objects that came, and elements that were written, within a period of so many milliseconds are a burst. */
const BURST = { things: 1000, period: 1000 };

/** Milliseconds without a burst until memory is saved again. */
const QUIET = 10_000;

/** What V8 is told: to save memory; and during a burst, to let the heap grow by half until all of it is looked through. */
const FLAGS = {
  saving: '--memory-saver-mode --heap-growing-percent=0',
  burst: '--no-memory-saver-mode --heap-growing-percent=50',
};

/**
 * Has V8 let the heap grow by small steps, and give back within some ten seconds what a burst of work has left behind: 40 of
 * 110 MB after a first fill of 10,000 Services with 5 endpoints each. But not while a burst goes on: each few megabytes
 * would have a collection of the whole heap, with half a million objects in it, and all waits for that. So not from the start
 * on, either: it would cost the first fill 40 % more CPU time. V8 asks for this setting at every collection: browsers switch
 * it while they run (V8 13.6).
 */
export class MemorySaver {
  readonly #clock: Clock;
  readonly #setFlags: (flags: string) => void;
  #isBegun = false;
  #isSaving = false;
  /** When the period at hand began, and what has been counted in it. */
  #since = Number.NEGATIVE_INFINITY;
  #things = 0;
  #lastBurst = Number.NEGATIVE_INFINITY;

  /** `setFlags`: gives V8 flags. */
  constructor(clock: Clock = SYSTEM_CLOCK, setFlags = setFlagsFromString) {
    this.#clock = clock;
    this.#setFlags = setFlags;
  }

  /** Everything is in force for the first time: from now on memory is saved. */
  begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#save(true);
  }

  /** Notes that so many objects came, or elements were written. */
  worked(things: number): void {
    const now = this.#clock.now();
    if (now - this.#since > BURST.period) {
      this.#since = now;
      this.#things = 0;
    }
    this.#things += things;
    if (this.#things < BURST.things) return;
    this.#lastBurst = now;
    if (this.#isSaving) this.#save(false);
  }

  #save(isSaving: boolean): void {
    this.#isSaving = isSaving;
    this.#setFlags(isSaving ? FLAGS.saving : FLAGS.burst);
    if (!isSaving) this.#saveAgainAfter(QUIET);
  }

  #saveAgainAfter(ms: number): void {
    this.#clock.after(ms, () => {
      const left = this.#lastBurst + QUIET - this.#clock.now();
      if (left > 0) this.#saveAgainAfter(left);
      else this.#save(true);
    });
  }
}
