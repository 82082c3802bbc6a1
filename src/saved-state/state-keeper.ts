import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { KubeObject } from '../objects/decode.ts';
import { type Clock, SYSTEM_CLOCK } from '../sync/clock.ts';
import { writeState } from './write.ts';

/** Milliseconds. */
const TIMINGS = {
  /** From the first complete state until it is written: the kernel comes first. */
  first: 5_000,
  /** The minimum time between two writes, and after a failed one. */
  pause: 30_000,
  pauseAfterFailure: 300_000,
  /** How long a stop waits for the last write: systemd kills the process after 10 s. */
  patience: 5_000,
};

/** The largest share of the time for this work. */
const SHARE = 0.005;

/** An unchanged state gets a new date after this part of the maximum age, within the limits in milliseconds. */
const DATED_ANEW = { part: 1 / 24, least: 60_000, most: 3_600_000 };

export interface StateKeeperOptions {
  /** The state directory. */
  readonly folder: string;
  readonly nodeName: string;
  /** Milliseconds: an older state is not served. */
  readonly maxAge: number;
  /** All objects as they are now. The list is requested at once and processed later. */
  readonly objects: () => readonly KubeObject[];
  /** Whether the API server has answered lately, so that what is known is current. */
  readonly isInTouch: () => boolean;
  readonly log: Log;
  readonly clock?: Clock;
  /** Milliseconds since 1970: the date of a state. */
  readonly date?: () => number;
  readonly write?: typeof writeState;
}

/**
 * Keeps the last known state on disk. It is written soon after it is complete, then after changes at most every 30 s, and at
 * the end. If the disk is not writable, this is logged once and has no other effect.
 */
export class StateKeeper {
  readonly #options: Required<StateKeeperOptions>;
  /** The earliest time of the next write; undefined before the state is complete, and after the end. */
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

  /** Milliseconds since 1970 of the state on disk; 0: nothing was written. */
  get savedAt(): number {
    return this.#savedAt;
  }

  /** The state is complete. From now on it is saved. */
  begin(): void {
    this.#next = this.#options.clock.now() + TIMINGS.first;
    this.changed();
  }

  /** The state changed. This is called for each object, so it must cost nothing. */
  changed(): void {
    this.#isDirty = true;
    if (this.#next === undefined || this.#cancel !== undefined || this.#writing !== undefined) return;
    const { clock } = this.#options;
    this.#cancel = clock.after(Math.max(0, this.#next - clock.now()), () => {
      this.#cancel = undefined;
      this.#begin();
    });
  }

  /** Writes what is not yet on disk, and ends. Never rejects; takes at most 5 s. */
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

  /** So that the age of the file is that of our knowledge, not that of the last change. */
  #dateAnewLater(): void {
    const { clock, maxAge, isInTouch } = this.#options;
    const { part, least, most } = DATED_ANEW;
    this.#cancelDating = clock.after(Math.min(most, Math.max(least, maxAge * part)), () => {
      if (isInTouch()) this.changed();
      else this.#dateAnewLater();
    });
  }
}
