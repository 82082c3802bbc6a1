import type { Family } from '../ip.ts';

/** Milliseconds that only ever grow, for ages. Dates may jump when the node's clock is set. */
const steadyNow = () => performance.now();

export interface ProxyHealthOptions {
  /** Whether load balancers may use this node (Node.eligible); false while the Node object is unknown. */
  readonly isNodeEligible: () => boolean;
  /**
   * nftables.syncPeriod in milliseconds: half of the time that a change may wait before we report ourselves as unhealthy.
   */
  readonly syncPeriod?: number;
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number;
  /** Milliseconds since 1970, for what is shown. */
  readonly date?: () => number;
}

/** The state of one family's rules. */
interface FamilyHealth {
  /** Milliseconds since 1970 of the last success. */
  readonly lastUpdated: number;
  readonly healthy: boolean;
}

/** What the health server shows. */
export interface HealthReport {
  readonly currentTime: number;
  readonly nodeEligible: boolean;
  /** Whether all families are healthy. Does not include the node. */
  readonly healthy: boolean;
  /** False if a restart of this process could help. */
  readonly alive: boolean;
  /** Those that have started, IPv4 first. */
  readonly families: ReadonlyMap<Family, FamilyHealth>;
  /** Milliseconds since 1970: the rules come from a state that was saved then, because the API server cannot be reached. */
  readonly staleSince: number | undefined;
}

interface FamilyState {
  readonly lastUpdated: number;
  /** On the steady clock, like everything that follows. */
  readonly pendingSince: number | undefined;
  /** From the first to the last of the checks in a row that found differing rules; undefined if the last one found none. */
  readonly differs: { readonly from: number; readonly to: number } | undefined;
  /** When nft last got a request, or last answered. */
  readonly workedAt: number;
  /** The last failure was caused by this program itself. */
  readonly isAtFault: boolean;
}

/** Milliseconds, more than nft may take for two listings and a load. Whoever has waited longer will wait for ever. */
const STUCK = 300_000;

/**
 * Whether the rules follow the cluster: a family is unhealthy while a change has waited for two sync periods or more, or
 * while checks of the kernel have found for as long that its rules are not ours. Nothing else makes it unhealthy, such as a
 * silent heartbeat. A family that has not started is left out, like in kube-proxy.
 */
export class ProxyHealth {
  readonly #options: Required<ProxyHealthOptions>;
  readonly #families = new Map<Family, FamilyState>();
  /** See HealthReport. It does not make the node unhealthy, which serves as well as it can. */
  staleSince: number | undefined;

  constructor(options: ProxyHealthOptions) {
    this.#options = { syncPeriod: 30_000, now: steadyNow, date: Date.now, ...options };
  }

  /** A family's loop begins. This counts as a success: it has two sync periods from the first change. */
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
    const now = this.#options.now();
    const { differs } = this.#families.get(family) ?? {};
    const lastUpdated = this.#options.date();
    this.#families.set(family, { lastUpdated, pendingSince: undefined, differs, workedAt: now, isAtFault: false });
  }

  /** Nothing waits, although the last work on the kernel may have failed: what nft refuses is left out. */
  verified(family: Family): void {
    if (this.#families.get(family)?.pendingSince !== undefined) this.synced(family);
  }

  /** The rules in the kernel were read. `isDifferent`: one that all Services need differs from ours. */
  compared(family: Family, isDifferent: boolean): void {
    const now = this.#options.now();
    const { differs } = this.#families.get(family) ?? {};
    this.#note(family, { differs: isDifferent ? { from: differs?.from ?? now, to: now } : undefined });
  }

  /** Work on the kernel failed. `isAtFault`: for a reason in this process, not in nft or the kernel. */
  failed(family: Family, isAtFault: boolean): void {
    this.queued(family);
    this.#note(family, { isAtFault, workedAt: this.#options.now() });
  }

  /** nft got a request, or has answered. */
  worked(family: Family): void {
    this.#note(family, { workedAt: this.#options.now() });
  }

  /** Whether all families are healthy, regardless of the node. True before they start. */
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
      alive: [...this.#families.values()].every((state) => this.#isAlive(state)),
      families,
      staleSince: this.staleSince,
    };
  }

  #note(family: Family, changed: Partial<FamilyState>): void {
    const state = this.#families.get(family);
    if (state !== undefined) this.#families.set(family, { ...state, ...changed });
  }

  #isHealthy(state: FamilyState): boolean {
    const { differs } = state;
    const { now, syncPeriod } = this.#options;
    const grace = 2 * syncPeriod;
    // An old finding does not count if no check has finished since.
    const isDifferent = differs !== undefined && differs.to - differs.from >= grace && now() - differs.to < grace;
    return !this.#isOverdue(state) && !isDifferent;
  }

  /** True if nft or the kernel refuse our requests: they would refuse another process, too. */
  #isAlive(state: FamilyState): boolean {
    const isStuck = this.#options.now() - state.workedAt >= STUCK;
    return !this.#isOverdue(state) || !(isStuck || state.isAtFault);
  }

  #isOverdue({ pendingSince }: FamilyState): boolean {
    const { now, syncPeriod } = this.#options;
    return pendingSince !== undefined && now() - pendingSince >= 2 * syncPeriod;
  }
}
