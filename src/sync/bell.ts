import type { Clock } from './clock.ts';

/** Wakes the one who sleeps. A ring while nobody sleeps is kept for the next sleep. */
export class Bell {
  readonly #clock: Clock;
  #rung = Promise.withResolvers<void>();
  #isRung = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#isRung = true;
    this.#rung.resolve();
  }

  /** Resolves at a ring: true; or after so many milliseconds without one: false. */
  async sleep(ms: number): Promise<boolean> {
    const stop = new AbortController();
    await Promise.race([this.#rung.promise, this.#clock.sleep(ms, stop.signal)]);
    stop.abort();
    const wasRung = this.#isRung;
    if (wasRung) this.#rung = Promise.withResolvers();
    this.#isRung = false;
    return wasRung;
  }
}
