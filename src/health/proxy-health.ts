import type { Family } from '../ip.ts';

/** Milliseconds that only ever grow: for ages. Dates may jump when the node's clock is set. */
const steadyNow = () => performance.now();

export interface ProxyHealthOptions {
  /** Whether load balancers may use this node (Node.eligible); false while the Node object is unknown. */
  readonly isNodeEligible: () => boolean;
  /** nftables.syncPeriod in milliseconds: half of what a change may wait until we call ourselves unhealthy. */
  readonly syncPeriod?: number;
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number;
  /** Milliseconds since 1970, for what is shown. */
  readonly date?: () => number;
}

/** How the rules of one family are. */
export interface FamilyHealth {
  /** Milliseconds since 1970 of the last success. */
  readonly lastUpdated: number;
  readonly healthy: boolean;
}

/** What the health server shows. */
export interface HealthReport {
  readonly currentTime: number;
  readonly nodeEligible: boolean;
  /** Whether all families are. Says nothing of the node. */
  readonly healthy: boolean;
  /** Those that have started, IPv4 first. */
  readonly families: ReadonlyMap<Family, FamilyHealth>;
  /** Milliseconds since 1970: the rules are those of a state that was saved then, since the API server cannot be reached. */
  readonly staleSince: number | undefined;
}

interface FamilyState {
  readonly lastUpdated: number;
  /** By the steady clock. */
  readonly pendingSince: number | undefined;
}

/**
 * Whether the rules follow the cluster: a family is unhealthy while a change has waited for two sync periods or more.
 * One that has not started is left out, as in kube-proxy: it neither helps nor hurts.
 */
export class ProxyHealth {
  readonly #options: Required<ProxyHealthOptions>;
  readonly #families = new Map<Family, FamilyState>();
  /** See HealthReport. Says nothing against the node: it serves as well as it can. */
  staleSince: number | undefined;

  constructor(options: ProxyHealthOptions) {
    this.#options = { syncPeriod: 30_000, now: steadyNow, date: Date.now, ...options };
  }

  /** A family's loop begins. Counts as a success: it has two sync periods from the first change on. */
  started(family: Family): void {
    this.synced(family);
  }

  /** A change is known that is not in force. Only the oldest counts. */
  queued(family: Family): void {
    const state = this.#families.get(family);
    if (state === undefined || state.pendingSince !== undefined) return;
    this.#families.set(family, { ...state, pendingSince: this.#options.now() });
  }

  /** What was queued is in force. */
  synced(family: Family): void {
    this.#families.set(family, { lastUpdated: this.#options.date(), pendingSince: undefined });
  }

  /** Whether all families are healthy, whatever becomes of the node. True before they start. */
  get isHealthy(): boolean {
    return [...this.#families.values()].every((state) => this.#isHealthy(state));
  }

  report(): HealthReport {
    const { date, isNodeEligible } = this.#options;
    const families = new Map<Family, FamilyHealth>();
    for (const family of ['ip', 'ip6'] as const) {
      const state = this.#families.get(family);
      if (state === undefined) continue;
      families.set(family, { lastUpdated: state.lastUpdated, healthy: this.#isHealthy(state) });
    }
    return {
      currentTime: date(),
      nodeEligible: isNodeEligible(),
      healthy: this.isHealthy,
      families,
      staleSince: this.staleSince,
    };
  }

  #isHealthy({ pendingSince }: FamilyState): boolean {
    const { now, syncPeriod } = this.#options;
    return pendingSince === undefined || now() - pendingSince < 2 * syncPeriod;
  }
}
