import type { Clock } from './clock.ts';

/** Milliseconds. */
const MIN_REST = 20;

/** Wakes a single sleeper. If it is rung while nobody sleeps, the next sleep ends at once. */
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
   * Resolves to true at a ring, and to false after `ms` milliseconds without one. There may be one sleeper at a time. It
   * does not use an AbortSignal: nearly every sleep ends by a ring, and the error of a signal, with its stack trace, would
   * be a tenth of the cost of a change.
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
   * Does some work after each ring, and after `rest()` milliseconds (at least MIN_REST) without one, until the signal
   * aborts.
   */
  async workAfterEach(signal: AbortSignal, rest: () => number, work: () => Promise<void>): Promise<void> {
    signal.addEventListener('abort', () => this.ring(), { once: true });
    while (!signal.aborted) {
      await this.sleep(Math.max(MIN_REST, rest()));
      if (!signal.aborted) await work();
    }
  }
}
