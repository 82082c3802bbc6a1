import type { Clock } from './clock.ts';

/**
 * Our own commits in all families. Listings use it to find a moment without commits: nft restarts a listing whenever
 * something is committed in the network namespace.
 */
export class Commits {
  readonly #clock: Clock;
  #inFlight = 0;
  #landed = Number.NEGATIVE_INFINITY;
  /** Resolved when no commit is in flight; pending only while somebody waits for that. */
  #idle: PromiseWithResolvers<void> | undefined;
  /** Pending while commits are held back. */
  #held: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the last one; 0 while one is in flight. */
  get quiet(): number {
    return this.#inFlight > 0 ? 0 : this.#clock.now() - this.#landed;
  }

  /** Commits by calling `sent`, once commits are not held back. */
  async during(sent: () => Promise<void>): Promise<void> {
    while (this.#held !== undefined) await this.#held;
    this.#inFlight++;
    try {
      await sent();
    } finally {
      this.#inFlight--;
      this.#landed = this.#clock.now();
      if (this.#inFlight === 0) this.#idle?.resolve();
    }
  }

  /**
   * Waits until no commit is in flight, and then holds commits back for at most `most` milliseconds. Returns a function that
   * releases them earlier.
   */
  async hold(most: number): Promise<() => void> {
    while (this.#held !== undefined) await this.#held;
    const held = Promise.withResolvers<void>();
    this.#held = held.promise;
    if (this.#inFlight > 0) {
      this.#idle = Promise.withResolvers<void>();
      await this.#idle.promise;
      this.#idle = undefined;
    }
    const release = () => {
      cancel();
      if (this.#held === held.promise) this.#held = undefined;
      held.resolve();
    };
    const cancel = this.#clock.after(most, release);
    return release;
  }
}
