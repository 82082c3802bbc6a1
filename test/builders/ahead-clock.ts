import { type Clock, SYSTEM_CLOCK } from '../../src/sync/clock.ts';

/** The system's clock, ahead by as much as it was told to. */
export class AheadClock implements Clock {
  #ahead = 0;
  readonly sleep = SYSTEM_CLOCK.sleep;
  readonly after = SYSTEM_CLOCK.after;
  readonly soon = SYSTEM_CLOCK.soon;

  now(): number {
    return SYSTEM_CLOCK.now() + this.#ahead;
  }

  /** Milliseconds pass at once. Nobody who sleeps wakes up of it. */
  skip(ms: number): void {
    this.#ahead += ms;
  }

  /** So many periods of milliseconds pass at once, to the beginning of one: the next is as far away as it can be. */
  skipPeriods(count: number, ms: number): void {
    const now = this.now();
    this.skip((Math.floor(now / ms) + count) * ms + 1 - now);
  }
}
