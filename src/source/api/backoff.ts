/** Waits between attempts: doubling, jittered, and from the start again after progress. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #attempts = 0;

  /** The n-th wait is random within [w/2, w], w = min(2^n · minMs, maxMs): at the defaults 0.8–1.6 s, …, 15–30 s. */
  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** Failed attempts since the last progress. */
  get attempts(): number {
    return this.#attempts;
  }

  /** How long to wait before the next attempt, in milliseconds. */
  next(): number {
    this.#attempts += 1;
    const widest = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#attempts, 30));
    return (widest / 2) * (1 + Math.random());
  }

  reset(): void {
    this.#attempts = 0;
  }
}
