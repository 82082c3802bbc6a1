import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { KubeObject } from '../objects/decode.ts';
import { lostPodTester, withoutLost } from '../service/lost-pods.ts';
import type { Steps } from '../service/steps.ts';
import { type Clock, SYSTEM_CLOCK } from '../sync/clock.ts';
import { inSlices } from '../sync/slices.ts';
import { firstSilence, hear, type Outage, patienceLeft } from './outage.ts';
import { readState, type SavedState } from './read.ts';

/** Milliseconds until the kernel is checked again, if it had rules of ours or could not be read. */
const LOOK_AGAIN = 10_000;

export interface StandInOptions {
  /** The state directory. */
  readonly folder: string;
  readonly nodeName: string;
  /** Milliseconds: an older state is not used. */
  readonly maxAge: number;
  /** Whether the kernel has rules of ours that packets go through. */
  readonly hasRules: () => Promise<boolean>;
  /** Called at most once, with the objects to serve in the meantime, and when they were saved in milliseconds since 1970. */
  readonly onState: (objects: readonly KubeObject[], savedAt: number) => void;
  readonly log: Log;
  readonly clock?: Clock;
  /** Milliseconds since 1970, for the age of the state. */
  readonly date?: () => number;
}

/**
 * Waits until the saved state has to be served: the API server was out of reach for 3 s, and the kernel has no rules of
 * ours, as after a reboot. Rules from the last run are newer than any saved state. It ends when the state was served, turned
 * out to be unusable, or is no longer needed.
 */
export class StandIn {
  readonly #options: StandInOptions;
  readonly #clock: Clock;
  #outage: Outage | undefined;
  #cancel: (() => void) | undefined;
  #lookAgainAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  #isOver = false;
  #saidRules = false;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Requests to the API server begin now. */
  begin(): void {
    this.#outage = firstSilence(this.#clock.now());
    this.#arm();
  }

  /** The API server answered a request with this status, or not at all. */
  heard(status: number | undefined): void {
    if (this.#isOver || this.#outage === undefined) return;
    this.#outage = hear(this.#outage, { status, at: this.#clock.now() });
    if (this.#outage.is === 'refused') this.end();
    else this.#arm();
  }

  /** The saved state is no longer needed. */
  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #arm(): void {
    this.#cancel?.();
    const now = this.#clock.now();
    const left = this.#outage && patienceLeft(this.#outage, now);
    if (left === undefined || this.#isLooking || this.#isOver) return;
    this.#cancel = this.#clock.after(Math.max(left, this.#lookAgainAt - now), () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      const state = await this.#usable();
      // The API server may have answered in the meantime.
      if (state !== undefined && this.#isDue) await this.#serve(state);
    } finally {
      this.#isLooking = false;
      this.#lookAgainAt = this.#clock.now() + LOOK_AGAIN;
      this.#arm();
    }
  }

  get #isDue(): boolean {
    return !this.#isOver && this.#outage !== undefined && patienceLeft(this.#outage, this.#clock.now()) === 0;
  }

  async #usable(): Promise<SavedState | undefined> {
    const { folder, nodeName, maxAge, hasRules, log, date } = this.#options;
    try {
      if (await hasRules()) {
        if (!this.#saidRules) log.info('the API server cannot be reached: the rules of the last run stay in force');
        this.#saidRules = true;
        return undefined;
      }
    } catch (error) {
      log.detail(1, `whether the kernel has rules of the last run is unknown: ${messageOf(error)}`);
      return undefined;
    }
    try {
      return await readState(folder, { nodeName, maxAge, ...(date && { now: date }) });
    } catch (error) {
      log.warn(`the API server cannot be reached, and the state saved in ${folder} is not used: ${messageOf(error)}`);
      this.end();
      return undefined;
    }
  }

  async #serve({ objects, savedAt, age, isFromTheFuture, skipped, problem }: SavedState): Promise<void> {
    const { nodeName, onState, log } = this.#options;
    const { served, lostPods } = await inSlices(withoutLostPods(objects, nodeName));
    if (!this.#isDue) return;
    this.end();
    const old = isFromTheFuture ? 'its time is ahead of the clock' : `${(age / 60_000).toFixed(1)} min old`;
    log.warn(
      `the API server cannot be reached: serving from the state of ${new Date(savedAt).toISOString()} (${old}) until it answers`,
      {
        services: objects.filter(({ kind }) => kind === 'Service').length,
        leftOutPodsOfThisNode: lostPods,
        ...(problem !== undefined && { unreadable: skipped, firstProblem: problem }),
      },
    );
    onState(served, savedAt);
  }
}

/** All objects, without endpoints that were pods of this node. */
function* withoutLostPods(
  objects: readonly KubeObject[],
  nodeName: string,
): Steps<{ readonly served: readonly KubeObject[]; readonly lostPods: number }> {
  const node = objects.find((object) => object.kind === 'Node' && object.name === nodeName);
  const isLost = lostPodTester(nodeName, node?.kind === 'Node' ? node : undefined);
  const served: KubeObject[] = [];
  let lostPods = 0;
  for (const object of objects) {
    if (object.kind === 'EndpointSlice') {
      const rest = withoutLost(object, isLost);
      lostPods += object.endpoints.length - rest.endpoints.length;
      served.push(rest);
    } else served.push(object);
    yield;
  }
  return { served, lostPods };
}
