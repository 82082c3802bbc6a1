import type { Log } from '../../log.ts';
import type { Cluster } from '../../service/cluster.ts';
import { readinessText } from '../../status/readiness-text.ts';
import { type Clock, SYSTEM_CLOCK } from '../../sync/clock.ts';
import { inSlices } from '../../sync/slices.ts';

/** Milliseconds: nodes that become unreachable together do so within that, mostly, and all endpoints are gone through once. */
const SETTLE = 500;

export interface NodeWatchOptions {
  readonly cluster: Cluster;
  readonly log: Log;
  /** Told the Services whose endpoints count otherwise now, by key. */
  readonly onChanged: (serviceKeys: readonly string[]) => void;
  readonly clock?: Clock;
}

/** Has nodes that are Ready no more, or again, count half a second later, and says what that means. */
export class NodeWatch {
  readonly #options: Required<NodeWatchOptions>;
  #hasBegun = false;
  #isWaiting = false;
  #said = '';
  #hadUnready = false;

  constructor(options: NodeWatchOptions) {
    this.#options = { clock: SYSTEM_CLOCK, ...options };
  }

  /** An object came or went. Costs nothing where no node became Ready, or ceased to be. */
  looked(): void {
    const { cluster, clock } = this.#options;
    if (!this.#hasBegun || this.#isWaiting || cluster.readiness?.isDirty !== true) return;
    this.#isWaiting = true;
    clock.after(SETTLE, () => void this.#settle());
  }

  /** All objects there are have come: what they say of nodes counts at once, and from now on. */
  whole(): void {
    this.#hasBegun = true;
    this.#isWaiting = true;
    void this.#settle();
  }

  async #settle(): Promise<void> {
    const { cluster, onChanged } = this.#options;
    const affected = await inSlices(cluster.settleNodesSteps());
    this.#isWaiting = false;
    this.#say(affected.length);
    if (affected.length > 0) onChanged(affected);
    this.looked();
  }

  #say(services: number): void {
    const { cluster, log } = this.#options;
    // What came meanwhile is said once it counts.
    if (cluster.readiness === undefined || cluster.readiness.isDirty) return;
    const { report } = cluster.readiness;
    const text = readinessText(report);
    // Nodes that come and go are no news while all are Ready.
    if (text === this.#said || (report.unready === 0 && !this.#hadUnready)) return;
    this.#said = text;
    this.#hadUnready = report.unready > 0;
    const fields = { servicesChanged: services };
    if (report.isPaused) log.warn(text, fields);
    else log.info(text, fields);
  }
}
