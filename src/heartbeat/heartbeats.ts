import type { Clock } from '../sync/clock.ts';
import type { Heartbeat } from './heartbeat.ts';

/** Milliseconds between heartbeats. */
const HEARTBEAT_INTERVAL = 500;

/** Milliseconds: a heartbeat that would be later than this is left out. This process was stopped, or has no CPU time. */
const MAX_LATE = 250;

/** Sends the heartbeats of all families twice a second, at the same moment, so that this process wakes up once for all. */
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

  /** Permanent. */
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
    // First reads what has already arrived: a heartbeat is not late because it waited for this process.
    await this.#clock.soon();
    if (this.#cancel === undefined) return;
    for (const heart of this.#hearts) heart.beat(isLate);
  }
}
