/** Aborts its signal when what is being waited for does not come in time. */
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

  /** From now, `missing` ("no connection") is waited for that long. Replaces what was waited for before. */
  arm(ms: number, missing: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#verdict = new Error(`${missing} within ${ms / 1000} s`);
      this.#controller.abort(this.#verdict);
    }, ms);
  }

  /** The same wait from the start: there was a sign of life. */
  refresh(): void {
    this.#timer?.refresh();
  }

  /** All has come: stops the clock. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** Stops the clock and ends whatever still listens to the signal. */
  abort(): void {
    this.end();
    this.#controller.abort();
  }
}
