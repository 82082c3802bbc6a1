/** Aborts its signal if what it waits for does not come in time. */
export class Watchdog {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #verdict: Error | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What did not come, if that is why the signal aborted. */
  get verdict(): Error | undefined {
    return this.#verdict;
  }

  /** From now on, waits for `missing` ("no connection") for that long. This replaces an earlier wait. */
  arm(ms: number, missing: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#verdict = new Error(`${missing} within ${ms / 1000} s`);
      this.#controller.abort(this.#verdict);
    }, ms);
  }

  /** Starts the same wait again, after a sign of life. */
  refresh(): void {
    this.#timer?.refresh();
  }

  /** Everything has arrived: stops the clock. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** Stops the clock, and ends whatever still listens to the signal. */
  abort(): void {
    this.end();
    this.#controller.abort();
  }
}
