import type { Family } from '../ip.ts';
import { udpFrontendKey } from '../service/held-udp-frontends.ts';
import type { UdpFrontend } from '../service/udp-frontends.ts';
import type { Conntrack, ConntrackFailure } from './conntrack.ts';
import { deleteFlows } from './delete-flows.ts';
import { listFlows } from './flows.ts';
import { Passes } from './passes.ts';
import { staleFilter } from './stale-filter.ts';
import { StaleFlows } from './stale-flows.ts';

const LIMITS: PassLimits = { groups: 10_000, seconds: 60 };
/** How many frontends that no Service has any more are remembered until conntrack works again. */
const MAX_FORMER = 10_000;

/** A completed pass over the kernel's flows. */
export interface ConntrackPass {
  readonly family: Family;
  /** From the start of the listing to the end of the last deletion, including pauses. */
  readonly seconds: number;
  /** Flows. */
  readonly deleted: number;
}

/** When a pass ends although work is left. The next one begins with a new listing, and includes new requests. */
interface PassLimits {
  /** The maximum number of groups of flows (StaleGroup) in memory. */
  readonly groups: number;
  /**
   * Counted from the end of the listing. After this time no further deletion begins: among a million flows, each takes
   * seconds, and many flows end by themselves in the meantime.
   */
  readonly seconds: number;
}

export interface ReconcilerOptions {
  readonly family: Family;
  readonly conntrack: Conntrack;
  /** All current UDP frontends of Services in this family. */
  readonly allFrontends: () => Iterable<UdpFrontend> | AsyncIterable<UdpFrontend>;
  /** Whether an address (canonical) of this node serves node ports. Called for each flow to the number of a node port. */
  readonly servesNodePorts: (address: string) => boolean;
  readonly onPass?: (pass: ConntrackPass) => void;
  /** Default 10,000 groups and 60 seconds. */
  readonly limits?: PassLimits;
  /** Seconds until a failed pass is repeated. */
  readonly retryAfter?: Readonly<Record<ConntrackFailure, number>>;
}

/**
 * Deletes the UDP flows of one family that the rules would no longer admit. The kernel applies the rules only to the first
 * packet of a flow. So a flow would continue although its endpoint is gone, its frontend or client is not served any more,
 * or its Service was created later. TCP and SCTP notice this themselves. Requests must follow the transaction that brought
 * the rules into force, so that deleted flows do not come back. They return at once. Those that arrive during a pass wait
 * for the next one together.
 */
export class ConntrackReconciler {
  readonly #options: ReconcilerOptions;
  /** Frontend key → its newest state, for the next pass. */
  #requested = new Map<string, UdpFrontend>();
  #allRequested = false;
  readonly #passes: Passes;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#passes = new Passes({
      isNeeded: () => this.#allRequested || this.#requested.size > 0,
      pass: () => this.#pass(),
      onFailed: () => this.#requestAllAgain(),
      retryAfter: options.retryAfter,
    });
  }

  /** Requests a check of the flows to these frontends. */
  request(frontends: Iterable<UdpFrontend>): void {
    if (this.#passes.isPaused) {
      this.#rememberFormer(frontends);
    } else {
      this.#remember(frontends);
      this.#passes.start();
    }
  }

  /** Requests a check of all flows: at the start, flows may be stale since the last run. */
  requestAll(): void {
    this.#allRequested = true;
    this.#passes.start();
  }

  /** Permanent. The running command continues until conntrack.stop(). */
  stop(): void {
    this.#passes.stop();
  }

  #remember(frontends: Iterable<UdpFrontend>): void {
    for (const frontend of frontends) this.#requested.set(udpFrontendKey(frontend), frontend);
  }

  /** For the retry, which covers all frontends that Services have. So only the others need to be remembered until then. */
  #rememberFormer(frontends: Iterable<UdpFrontend>): void {
    for (const frontend of frontends) {
      const key = udpFrontendKey(frontend);
      if (frontend.isHeld) this.#requested.delete(key);
      else this.#requested.set(key, frontend);
    }
    for (const key of this.#requested.keys()) {
      if (this.#requested.size <= MAX_FORMER) break;
      this.#requested.delete(key);
    }
  }

  /** Requests before a failed pass are part of the next one, which covers all frontends. */
  #requestAllAgain(): void {
    this.#allRequested = true;
    const requested = this.#requested;
    this.#requested = new Map();
    this.#rememberFormer(requested.values());
  }

  async #pass(): Promise<void> {
    if (this.#allRequested) for await (const frontend of this.#options.allFrontends()) this.#remember([frontend]);
    const frontends = this.#requested;
    this.#requested = new Map();
    this.#allRequested = false;
    if (frontends.size === 0) return;
    let isFinished = false;
    try {
      isFinished = await this.#clean(frontends);
    } finally {
      if (!isFinished) {
        for (const [key, frontend] of frontends) if (!this.#requested.has(key)) this.#requested.set(key, frontend);
      }
    }
  }

  /** Returns whether nothing is left to do, or nothing more can be done. */
  async #clean(frontends: ReadonlyMap<string, UdpFrontend>): Promise<boolean> {
    const { family, conntrack, servesNodePorts, onPass, limits = LIMITS } = this.#options;
    const begun = performance.now();
    const stale = new StaleFlows(frontends, staleFilter, servesNodePorts, limits.groups);
    await listFlows(conntrack, { family, protocol: 'udp', filter: onlyAddress(frontends) }, (flow) => stale.add(flow));
    let deleted = 0;
    let isUnfinished = stale.isFull;
    const deadline = performance.now() + limits.seconds * 1000;
    try {
      for (const group of stale) {
        if (this.#passes.isStopped || performance.now() > deadline) {
          isUnfinished = true;
          break;
        }
        // What was stale at the listing may be served again. Other stale flows are for the next pass.
        const newest = this.#requested.get(group.frontend);
        if (newest !== undefined && staleFilter(group.sample, newest) !== group.filter) continue;
        const { filter } = group;
        const isDone = await deleteFlows(conntrack, { family, protocol: 'udp', filter }, () => deleted++);
        isUnfinished ||= !isDone;
      }
    } finally {
      onPass?.({ family, seconds: (performance.now() - begun) / 1000, deleted });
    }
    // Without progress, another pass would not get further.
    return !isUnfinished || deleted === 0;
  }
}

/** The filter for the one address that all frontends share, if there is one. */
function onlyAddress(frontends: ReadonlyMap<string, UdpFrontend>): readonly string[] {
  const [address = '', ...others] = new Set([...frontends.values()].map((frontend) => frontend.address));
  return address === '' || others.length > 0 ? [] : ['--orig-dst', address];
}
