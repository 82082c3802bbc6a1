import type { Log } from '../../log.ts';
import type { Cluster } from '../../service/cluster.ts';
import { describeUnmatched, unmatchedSlice } from '../../service/port-names.ts';
import { type Clock, SYSTEM_CLOCK } from '../../sync/clock.ts';
import { inSlices } from '../../sync/slices.ts';
import { namespaceIn, ToldOnce } from '../../sync/told-once.ts';

/** Milliseconds in which related events arrive: the slices of a Service, or the end of a deletion. */
const SETTLE = 10_000;

/** From this number of Services on, losing half of them is reported. */
const MANY = 10;

export interface ClusterWatchOptions {
  readonly cluster: Cluster;
  readonly log: Log;
  readonly clock?: Clock;
}

/**
 * Reports what is suspicious in a cluster although each object is valid: the number of Services falls to zero, or from ten
 * or more by half, within 10 s; or a slice has no port of its Service for 10 s or more. It looks at changes some seconds
 * later, so each change costs only an entry in a set.
 */
export class ClusterWatch {
  readonly #options: Required<ClusterWatchOptions>;
  readonly #told: ToldOnce;
  /** Services that changed in this period, and in the previous one, which are checked when this one ends. */
  #changed = new Set<string>();
  #due = new Set<string>();
  /** The number of Services at the last check. */
  #services = 0;
  #isWaiting = false;
  #hasBegun = false;
  /** Services with a slice that was reported. */
  readonly #unmatched = new Set<string>();

  constructor(options: ClusterWatchOptions) {
    this.#options = { clock: SYSTEM_CLOCK, ...options };
    const { log, clock } = this.#options;
    this.#told = new ToldOnce({
      log,
      enough: 'slices without a port of their Service were told',
      events: 0,
      now: () => clock.now(),
    });
  }

  /** The whole cluster is known. Reports begin now. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { cluster } = this.#options;
    this.#services = cluster.serviceCount;
    this.changed(cluster.serviceKeys());
  }

  /** Services that changed, or whose slices did, by key. */
  changed(serviceKeys: Iterable<string>): void {
    if (!this.#hasBegun) return;
    for (const key of serviceKeys) this.#changed.add(key);
    this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting || (this.#changed.size === 0 && this.#due.size === 0)) return;
    this.#isWaiting = true;
    this.#options.clock.after(SETTLE, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#lookAtNumber();
    const due = this.#due;
    this.#due = this.#changed;
    this.#changed = new Set();
    await inSlices(this.#lookAtPorts(due));
    this.#isWaiting = false;
    this.#wait();
  }

  #lookAtNumber(): void {
    const { cluster, log } = this.#options;
    const [before, now] = [this.#services, cluster.serviceCount];
    this.#services = now;
    if (now >= before || (now > 0 && (before < MANY || now > before / 2))) return;
    log.warn(
      `the number of Services fell from ${before} to ${now}: the others are no longer served. If this is not intended, ` +
        'find out what deleted them',
    );
  }

  *#lookAtPorts(keys: Iterable<string>) {
    for (const key of keys) {
      // It changed again, so it is checked later.
      if (!this.#due.has(key)) this.#lookAtPortsOf(key);
      yield;
    }
  }

  #lookAtPortsOf(key: string): void {
    const { cluster } = this.#options;
    const service = cluster.service(key);
    const slice = service && unmatchedSlice(service, cluster.slicesOf(key));
    if (service === undefined || slice === undefined) {
      this.#unmatched.delete(key);
      return;
    }
    if (this.#unmatched.has(key)) return;
    this.#unmatched.add(key);
    const thisTime = `${key} ${slice.name} ${this.#options.clock.now()}`;
    this.#told.tell(thisTime, () => describeUnmatched(service, slice), namespaceIn(key));
  }
}
