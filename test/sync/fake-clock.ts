import type { Clock } from '../../src/sync/clock.ts';

/** A clock that goes when it is told to. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = {
      until: this.#now + ms,
      wake: () => {
        this.#sleepers.delete(sleeper);
        resolve();
      },
    };
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', sleeper.wake, { once: true });
    return promise;
  }

  after(ms: number, callback: () => void): () => void {
    const stop = new AbortController();
    void this.sleep(ms, stop.signal).then(() => {
      if (!stop.signal.aborted) callback();
    });
    return () => stop.abort();
  }

  soon(): Promise<void> {
    return Promise.resolve();
  }

  /** So many milliseconds pass in which nothing is run. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Lets so many milliseconds pass, and all that then happens happen. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    for (;;) {
      const [next] = [...this.#sleepers].sort((a, b) => a.until - b.until);
      if (next === undefined || next.until > end) break;
      this.#now = Math.max(this.#now, next.until);
      next.wake();
      await this.#settle();
    }
    this.#now = end;
  }

  /**
   * Promises are kept in turns of the event loop, and no time of this clock passes. Work in slices goes by real time: on a
   * busy machine it takes several turns.
   */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}
