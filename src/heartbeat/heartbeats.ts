import type { Clock } from '../sync/clock.ts';
import type { Heartbeat } from './heartbeat.ts';

/** Milliseconds from one beat to the next. */
export const HEARTBEAT_INTERVAL = 500;

/** Milliseconds: a beat that comes later by so much is left out. This process was stopped, or has no CPU. */
const MAX_LATE = 250;

/** Has the hearts of all families beat twice a second, at the same moment: this process wakes up once for them. */
export class Heartbeats {
  readonly #hearts: readonly Pick<Heartbeat, 'beat'>[];
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;

  constructor(hearts: readonly Pick<Heartbeat, 'beat'>[], clock: Clock) {
    this.#hearts = hearts;
    this.#clock = clock;
  }

  start(): void {
    if (this.#hearts.length > 0) this.#schedule();
  }

  /** For good. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    const due = this.#clock.now() + HEARTBEAT_INTERVAL;
    this.#cancel = this.#clock.after(HEARTBEAT_INTERVAL, () => void this.#beat(due));
  }

  async #beat(due: number): Promise<void> {
    this.#schedule();
    const isLate = this.#clock.now() - due > MAX_LATE;
    // What has arrived by now is read first: a beat is not late for having waited for this process.
    await this.#clock.soon();
    if (this.#cancel === undefined) return;
    for (const heart of this.#hearts) heart.beat(isLate);
  }
}
