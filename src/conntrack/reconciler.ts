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
/** Frontends that no Service has any more are remembered up to this number until conntrack works again. */
const MAX_FORMER = 10_000;

/** One look at the kernel's flows that came to its end. */
export interface ConntrackPass {
  readonly family: Family;
  /** From the start of the listing to the end of the last delete, with the pauses in between. */
  readonly seconds: number;
  /** Flows. */
  readonly deleted: number;
}

/** Where a pass ends with work left over; the next one begins with a new listing, and with what was asked for since. */
export interface PassLimits {
  /** Groups of flows (StaleGroup) kept at a time. */
  readonly groups: number;
  /**
   * Counted from the end of the listing: after this no other delete begins. Among a million flows each takes seconds, and
   * many flows end by themselves meanwhile.
   */
  readonly seconds: number;
}

export interface ReconcilerOptions {
  readonly family: Family;
  readonly conntrack: Conntrack;
  /** The UDP frontends of all Services now, of this family. */
  readonly allFrontends: () => Iterable<UdpFrontend>;
  /**
   * Whether an address (canonical) is one of this node's where node ports are served. Called for each flow to a node
   * port's number.
   */
  readonly servesNodePorts: (address: string) => boolean;
  readonly onPass?: (pass: ConntrackPass) => void;
  /** Default 10,000 groups and 60 seconds. */
  readonly limits?: PassLimits;
  /** Seconds until a failed pass is made up for. */
  readonly retryAfter?: Readonly<Record<ConntrackFailure, number>>;
}

/**
 * Deletes the UDP flows of one family that the rules would not let begin any more: the kernel asks the rules for a flow's
 * first packet only, so one whose endpoint is gone, whose frontend or client is not served any more, or that began before
 * its Service, would go on as it was. TCP and SCTP notice by themselves. Requests are to follow the transaction that
 * brought the rules in force, so that what is deleted does not come back. They return at once; those that come during a
 * pass wait for the next, together.
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
      onFailed: () => this.#askForAll(),
      retryAfter: options.retryAfter,
    });
  }

  /** Asks for a look at the flows of these frontends. */
  request(frontends: Iterable<UdpFrontend>): void {
    if (this.#passes.isPaused) {
      this.#rememberFormer(frontends);
    } else {
      this.#remember(frontends);
      this.#passes.start();
    }
  }

  /** Asks for a look at the flows of all frontends: at the start, flows may be stale since the last run. */
  requestAll(): void {
    this.#allRequested = true;
    this.#passes.start();
  }

  /** For good. The command that runs goes on until conntrack.stop(). */
  stop(): void {
    this.#passes.stop();
  }

  #remember(frontends: Iterable<UdpFrontend>): void {
    for (const frontend of frontends) this.#requested.set(udpFrontendKey(frontend), frontend);
  }

  /** For the retry, which is for all frontends that Services hold: only the others need to be remembered until then. */
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

  /** What was asked for before a pass that failed is part of the next, which is for all frontends. */
  #askForAll(): void {
    this.#allRequested = true;
    const requested = this.#requested;
    this.#requested = new Map();
    this.#rememberFormer(requested.values());
  }

  async #pass(): Promise<void> {
    if (this.#allRequested) this.#remember(this.#options.allFrontends());
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
        // What was stale at the listing may be served again; what is stale otherwise is for the next pass.
        const newest = this.#requested.get(group.frontend);
        if (newest !== undefined && staleFilter(group.sample, newest) !== group.filter) continue;
        const { filter } = group;
        const isDone = await deleteFlows(conntrack, { family, protocol: 'udp', filter }, () => deleted++);
        isUnfinished ||= !isDone;
      }
    } finally {
      onPass?.({ family, seconds: (performance.now() - begun) / 1000, deleted });
    }
    // Without progress another pass would not get further.
    return !isUnfinished || deleted === 0;
  }
}

/** The filter for the one address that all frontends share, if there is one. */
function onlyAddress(frontends: ReadonlyMap<string, UdpFrontend>): readonly string[] {
  const [address = '', ...others] = new Set([...frontends.values()].map((frontend) => frontend.address));
  return address === '' || others.length > 0 ? [] : ['--orig-dst', address];
}
