import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { KubeObject } from '../objects/decode.ts';
import { type Clock, SYSTEM_CLOCK } from '../sync/clock.ts';
import { writeState } from './write.ts';

/** Milliseconds. */
const TIMINGS = {
  /** From the first whole state to its writing: the kernel comes first. */
  first: 5_000,
  /** At least from one writing to the next, and after one that failed. */
  pause: 30_000,
  pauseAfterFailure: 300_000,
  /** What a stop waits for the last writing: systemd kills after 10 s. */
  patience: 5_000,
};

/** For this part of the time at most it is at work. */
const SHARE = 0.005;

/** A state that stays as it is, is dated anew after this part of the age at which it is too old; milliseconds at least and at most. */
const DATED_ANEW = { part: 1 / 24, least: 60_000, most: 3_600_000 };

export interface StateKeeperOptions {
  /** The state directory. */
  readonly folder: string;
  readonly nodeName: string;
  /** Milliseconds at which a state is too old to be served from. */
  readonly maxAge: number;
  /** All objects as they are now; asked for at once, and gone through later. */
  readonly objects: () => readonly KubeObject[];
  /** Whether the API server was heard of lately, so that what is known is what there is. */
  readonly isInTouch: () => boolean;
  readonly log: Log;
  readonly clock?: Clock;
  /** Milliseconds since 1970: what a state is dated with. */
  readonly date?: () => number;
  readonly write?: typeof writeState;
}

/**
 * Keeps the last known state on the disk: soon after it is whole, then at most every 30 s where something changed, and at the
 * end. A disk that cannot be written to is said once, and harms nobody.
 */
export class StateKeeper {
  readonly #options: Required<StateKeeperOptions>;
  /** When the next writing may be, at the earliest; undefined before the state is whole, and once all is over. */
  #next: number | undefined;
  #isDirty = false;
  #cancel: (() => void) | undefined;
  #cancelDating: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #savedAt = 0;
  #fails = false;

  constructor(options: StateKeeperOptions) {
    this.#options = { clock: SYSTEM_CLOCK, date: Date.now, write: writeState, ...options };
  }

  /** Milliseconds since 1970 of what is on the disk; 0: nothing was written. */
  get savedAt(): number {
    return this.#savedAt;
  }

  /** The state is whole: it is kept from now on. */
  begin(): void {
    this.#next = this.#options.clock.now() + TIMINGS.first;
    this.changed();
  }

  /** Something of the state changed. Costs nothing: it is said for each object. */
  changed(): void {
    this.#isDirty = true;
    if (this.#next === undefined || this.#cancel !== undefined || this.#writing !== undefined) return;
    const { clock } = this.#options;
    this.#cancel = clock.after(Math.max(0, this.#next - clock.now()), () => {
      this.#cancel = undefined;
      this.#begin();
    });
  }

  /** Writes what is not on the disk yet, and ends. Never rejects; takes 5 s at most. */
  async close(): Promise<void> {
    const isKept = this.#next !== undefined;
    this.#next = undefined;
    this.#cancel?.();
    this.#cancelDating?.();
    if (!isKept) return;
    const last = async () => {
      await this.#writing;
      if (this.#isDirty) await this.#write();
    };
    await Promise.race([last(), sleep(TIMINGS.patience, undefined, { ref: false })]);
  }

  #begin(): void {
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#next === undefined) return;
      if (this.#isDirty) this.changed();
      else this.#dateAnewLater();
    });
  }

  async #write(): Promise<void> {
    const { folder, nodeName, objects, log, clock, date, write } = this.#options;
    this.#cancelDating?.();
    this.#isDirty = false;
    const savedAt = date();
    let pause = TIMINGS.pauseAfterFailure;
    try {
      const took = await write(folder, { node: nodeName, savedAt }, objects());
      pause = Math.max(TIMINGS.pause, took / SHARE);
      this.#savedAt = savedAt;
      log.detail(2, 'the state is saved', { milliseconds: Math.round(took) });
      if (this.#fails) log.info(`the state is saved again in ${folder}`);
      this.#fails = false;
    } catch (error) {
      this.#isDirty = true;
      if (!this.#fails) {
        log.warn(
          `the state cannot be saved in ${folder}: ${messageOf(error)}; retrying. If this node reboots before it ` +
            'can be saved, it serves nothing until it reaches the API server',
        );
      }
      this.#fails = true;
    }
    if (this.#next !== undefined) this.#next = clock.now() + pause;
  }

  /** So that its age is that of what is known, and not that of the last change. */
  #dateAnewLater(): void {
    const { clock, maxAge, isInTouch } = this.#options;
    const { part, least, most } = DATED_ANEW;
    this.#cancelDating = clock.after(Math.min(most, Math.max(least, maxAge * part)), () => {
      if (isInTouch()) this.changed();
      else this.#dateAnewLater();
    });
  }
}
