import type { Clock } from './clock.ts';

/** Milliseconds from one transaction to the next while changes keep coming, unless it is set. */
export const DEFAULT_INTERVAL = 80;

/** Of the time at most one part in so many is spent in nft, while changes keep coming. */
const PARTS_OF_TIME = 4;

/** Milliseconds that follow from that at most: one Service's dear transaction is not to keep all others waiting. */
const MAX_REST = 200;

/** The pace of one family. */
export interface FamilyPace {
  /** Resolves when a transaction may go. */
  turn(): Promise<void>;
  /** Notes how many milliseconds a transaction took. */
  took(ms: number): void;
}

/**
 * When the next transaction may go. The first change goes at once: it need not wait for others that may not come. While
 * changes keep coming, those of an interval go together: a transaction costs nearly the same for one element as for fifty.
 *
 * All families have one beat, so that a change of both is the work of one moment. But what a family spends in nft slows
 * itself only.
 */
export class Pace {
  readonly #clock: Clock;
  /** Milliseconds from beat to beat; 0: every transaction goes at once. */
  readonly interval: number;
  /** The next beat must not come before this. */
  #notBefore = -Infinity;
  #beat: Promise<void> | undefined;

  constructor(clock: Clock, interval = DEFAULT_INTERVAL) {
    this.#clock = clock;
    this.interval = interval;
  }

  /** The pace of another family. */
  family(): FamilyPace {
    let notBefore = -Infinity;
    return {
      turn: async () => {
        if (this.interval === 0) return;
        await this.#until(notBefore);
        this.#beat ??= this.#nextBeat();
        await this.#beat;
      },
      took: (ms) => {
        notBefore = this.#clock.now() + Math.min(ms * (PARTS_OF_TIME - 1), MAX_REST);
      },
    };
  }

  async #nextBeat(): Promise<void> {
    // All that comes in one go, such as the events of one packet of the API server, is for this beat.
    await this.#clock.soon();
    await this.#until(this.#notBefore);
    this.#beat = undefined;
    this.#notBefore = this.#clock.now() + this.interval;
  }

  async #until(moment: number): Promise<void> {
    const wait = moment - this.#clock.now();
    if (wait > 0) await this.#clock.sleep(wait);
  }
}
