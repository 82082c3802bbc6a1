import type { Clock } from './clock.ts';

/** Milliseconds. */
const MIN_REST = 20;

/** Wakes the one who sleeps. A ring while nobody sleeps is kept for the next sleep. */
export class Bell {
  readonly #clock: Clock;
  #isRung = false;
  #wake: ((wasRung: boolean) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    if (this.#wake === undefined) this.#isRung = true;
    else this.#wake(true);
  }

  /**
   * Resolves at a ring: true; or after so many milliseconds without one: false. One sleeps at a time. Nearly every sleep
   * ends by a ring, so that an AbortSignal, whose error holds a stack trace, would be a tenth of the cost of a change.
   */
  sleep(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#isRung) resolve(true);
    else {
      const cancel = this.#clock.after(ms, () => this.#wake?.(false));
      this.#wake = (wasRung) => {
        cancel();
        this.#wake = undefined;
        resolve(wasRung);
      };
    }
    this.#isRung = false;
    return promise;
  }

  /**
   * Does some work after each ring, and after `rest()` milliseconds without one (MIN_REST at least), until the signal aborts.
   */
  async workAfterEach(signal: AbortSignal, rest: () => number, work: () => Promise<void>): Promise<void> {
    signal.addEventListener('abort', () => this.ring(), { once: true });
    while (!signal.aborted) {
      await this.sleep(Math.max(MIN_REST, rest()));
      if (!signal.aborted) await work();
    }
  }
}
