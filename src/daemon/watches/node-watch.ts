import type { Log } from '../../log.ts';
import type { Cluster } from '../../service/cluster.ts';
import { readinessText } from '../../status/readiness-text.ts';
import { type Clock, SYSTEM_CLOCK } from '../../sync/clock.ts';
import { inSlices } from '../../sync/slices.ts';

/** Milliseconds. Nodes that fail together usually do so within this time, and are then handled in one pass. */
const SETTLE = 500;

export interface NodeWatchOptions {
  readonly cluster: Cluster;
  readonly log: Log;
  /** Receives the keys of Services whose endpoints changed between usable and unusable. */
  readonly onChanged: (serviceKeys: readonly string[]) => void;
  readonly clock?: Clock;
}

/** Applies changes of nodes' Ready condition half a second later, and logs what that means. */
export class NodeWatch {
  readonly #options: Required<NodeWatchOptions>;
  #hasBegun = false;
  #isWaiting = false;
  #said = '';
  #hadUnready = false;

  constructor(options: NodeWatchOptions) {
    this.#options = { clock: SYSTEM_CLOCK, ...options };
  }

  /** An object was added, changed or removed. Costs nothing unless a node's Ready condition changed. */
  looked(): void {
    const { cluster, clock } = this.#options;
    if (!this.#hasBegun || this.#isWaiting || cluster.readiness?.isDirty !== true) return;
    this.#isWaiting = true;
    clock.after(SETTLE, () => void this.#settle());
  }

  /** All objects have arrived. The condition of nodes counts from now on. */
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
    // Changes that arrived in the meantime are logged once they apply.
    if (cluster.readiness === undefined || cluster.readiness.isDirty) return;
    const { report } = cluster.readiness;
    const text = readinessText(report);
    // Added or removed nodes are not worth a line while all nodes are Ready.
    if (text === this.#said || (report.unready === 0 && !this.#hadUnready)) return;
    this.#said = text;
    this.#hadUnready = report.unready > 0;
    const fields = { servicesChanged: services };
    if (report.isPaused) log.warn(text, fields);
    else log.info(text, fields);
  }
}
