import type { Family } from '../ip.ts';
import type { UdpFrontend } from '../service/udp-frontends.ts';
import { type Conntrack, ConntrackError, type ConntrackFailure } from './conntrack.ts';
import { CONNTRACK_FAMILY, listFlows } from './flows.ts';
import { type StalePair, StalePairs, udpFrontendKey } from './stale-pairs.ts';

const LIMITS: PassLimits = { pairs: 10_000, seconds: 60 };
/** How often a delete is tried again at once, when a flow that ended by itself got in its way. */
const MAX_INTERRUPTIONS = 10;
const RETRY_AFTER = { missing: 600, interrupted: 60, failed: 60 };

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
  /** Pairs of a frontend and an endpoint kept at a time. */
  readonly pairs: number;
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
  /** Whether an address (canonical) is one of this node, for node ports. Called for each flow to a node port's number. */
  readonly isNodeAddress: (address: string) => boolean;
  readonly onPass?: (pass: ConntrackPass) => void;
  /** Default 10,000 pairs and 60 seconds. */
  readonly limits?: PassLimits;
  /** Seconds until a failed pass is made up for. */
  readonly retryAfter?: Readonly<Record<ConntrackFailure, number>>;
}

/**
 * Deletes the UDP flows of one family that lead from a frontend to what does not serve it: the kernel translates only a
 * flow's first packet, so one whose endpoint is gone, or that began before its Service, would never reach another.
 * TCP and SCTP notice by themselves. Requests are to follow the transaction that brought the rules in force, so that
 * what is deleted does not come back. They return at once; those that come during a pass wait for the next, together.
 */
export class ConntrackReconciler {
  readonly #options: ReconcilerOptions;
  /** Frontend key → its newest state, for the next pass. */
  #requested = new Map<string, UdpFrontend>();
  #allRequested = false;
  #isWorking = false;
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Asks for a look at the flows of these frontends. */
  request(frontends: Iterable<UdpFrontend>): void {
    // The retry is for all of them: what waits for it need not be kept.
    if (this.#retry !== undefined) return;
    this.#remember(frontends);
    this.#start();
  }

  /** Asks for a look at the flows of all frontends: at the start, flows may be stale since the last run. */
  requestAll(): void {
    this.#allRequested = true;
    this.#start();
  }

  /** For good. The command that runs goes on until conntrack.stop(). */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  #remember(frontends: Iterable<UdpFrontend>): void {
    for (const frontend of frontends) this.#requested.set(udpFrontendKey(frontend.address, frontend.port), frontend);
  }

  #start(): void {
    if (this.#isWorking || this.#retry !== undefined) return;
    this.#isWorking = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    try {
      while (!this.#isStopped && (this.#allRequested || this.#requested.size > 0)) await this.#pass();
    } catch (error) {
      if (!(error instanceof ConntrackError)) throw error;
      this.#retryAll((this.#options.retryAfter ?? RETRY_AFTER)[error.failure]);
    } finally {
      this.#isWorking = false;
    }
  }

  #retryAll(seconds: number): void {
    if (this.#isStopped) return;
    this.#allRequested = true;
    this.#requested.clear();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#start();
    }, seconds * 1000).unref();
  }

  async #pass(): Promise<void> {
    const { family, conntrack, isNodeAddress, onPass, limits = LIMITS } = this.#options;
    if (this.#allRequested) this.#remember(this.#options.allFrontends());
    const frontends = this.#requested;
    this.#requested = new Map();
    this.#allRequested = false;
    if (frontends.size === 0) return;
    const begun = performance.now();
    const pairs = new StalePairs(frontends, isNodeAddress, limits.pairs);
    await listFlows(conntrack, family, onlyAddress(frontends), (flow) => pairs.add(flow));
    let deleted = 0;
    let isUnfinished = pairs.isFull;
    const deadline = performance.now() + limits.seconds * 1000;
    try {
      for (const pair of pairs) {
        if (this.#isStopped || performance.now() > deadline) {
          isUnfinished = true;
          break;
        }
        // An endpoint may serve again since the listing.
        const frontend = this.#requested.get(pair.frontend) ?? frontends.get(pair.frontend);
        if (frontend?.serving.has(pair.replySource)) continue;
        const isDone = await this.#delete(pair, () => deleted++);
        isUnfinished ||= !isDone;
      }
    } finally {
      onPass?.({ family, seconds: (performance.now() - begun) / 1000, deleted });
    }
    // Without progress another pass would not get further.
    if (!isUnfinished || deleted === 0) return;
    for (const [key, frontend] of frontends) if (!this.#requested.has(key)) this.#requested.set(key, frontend);
  }

  /** Returns whether all flows of a pair are gone; `onDeleted` is called for each. */
  async #delete({ destination, port, replySource }: StalePair, onDeleted: () => void): Promise<boolean> {
    const { family, conntrack } = this.#options;
    const filter = ['--orig-dst', destination, '--orig-port-dst', String(port), '--reply-src', replySource];
    for (let interruptions = 0; interruptions < MAX_INTERRUPTIONS; interruptions++) {
      try {
        await conntrack.run(['-D', '-f', CONNTRACK_FAMILY[family], '-p', 'udp', ...filter], onDeleted);
        return true;
      } catch (error) {
        if (!(error instanceof ConntrackError && error.failure === 'interrupted')) throw error;
      }
    }
    return false;
  }
}

/** The one address that all frontends share, if there is one. */
function onlyAddress(frontends: ReadonlyMap<string, UdpFrontend>): string | undefined {
  const [address, ...others] = new Set([...frontends.values()].map((frontend) => frontend.address));
  return address === '' || others.length > 0 ? undefined : address;
}
