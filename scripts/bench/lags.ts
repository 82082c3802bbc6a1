/** How long changes of Services wait until a transaction with them is acknowledged. One change of a Service at a time. */
export class Lags {
  readonly #waiting = new Map<string, number>();
  #all: number[] = [];
  #transactions = 0;

  /** All lags since `reset`, in milliseconds. */
  get all(): readonly number[] {
    return this.#all;
  }

  /** Transactions since `reset` that brought something. */
  get transactions(): number {
    return this.#transactions;
  }

  /** Notes that a Service's change came. `when`: as performance.now(). A change that still waits keeps its place. */
  came(serviceKey: string, when: number): void {
    if (!this.#waiting.has(serviceKey)) this.#waiting.set(serviceKey, when);
  }

  /** Notes that these Services' changes are in force. */
  done(serviceKeys: readonly string[], now = performance.now()): void {
    if (serviceKeys.length > 0) this.#transactions++;
    for (const key of serviceKeys) {
      const when = this.#waiting.get(key);
      if (when !== undefined) this.#all.push(now - when);
      this.#waiting.delete(key);
    }
  }

  reset(): void {
    this.#waiting.clear();
    this.#all = [];
    this.#transactions = 0;
  }
}
