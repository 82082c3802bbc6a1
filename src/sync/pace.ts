import type { Clock } from './clock.ts';

/** Default for the milliseconds between transactions while changes keep coming. */
const DEFAULT_INTERVAL = 80;

/** nft works for at most one part in this many of the time, while changes keep coming. */
const PARTS_OF_TIME = 4;

/**
 * The longest pause in milliseconds that follows from that. An expensive transaction of one Service must not delay all
 * others.
 */
const MAX_REST = 200;

/** With this many changed Services, there is no point in waiting for more. */
export const BACKLOG = 500;

/** The pace of one family. */
export interface FamilyPace {
  /** Resolves when a transaction may be sent. */
  turn(): Promise<void>;
  /** Notes how many milliseconds a transaction took. */
  took(ms: number): void;
}

/**
 * Decides when the next transaction may be sent. The first change is sent at once: others may not come. While changes keep
 * coming, those of an interval are sent together, because a transaction costs nearly the same for one element as for fifty.
 *
 * All families share one beat, so that a change of both is sent at the same moment. But the time that a family spends in nft
 * slows down only this family.
 */
export class Pace {
  readonly #clock: Clock;
  /** Milliseconds between beats; 0: every transaction is sent at once. */
  readonly interval: number;
  /** The next beat may not come before this. */
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
    // Everything that arrives at once, such as the events in one packet from the API server, belongs to this beat.
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
