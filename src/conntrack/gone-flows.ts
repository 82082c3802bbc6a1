import type { Family } from '../ip.ts';
import type { GoneFrontend } from '../service/gone-endpoints.ts';
import { udpFrontendKey } from '../service/held-udp-frontends.ts';
import { endpointKey } from '../service/udp-frontends.ts';
import type { Conntrack, ConntrackFailure } from './conntrack.ts';
import { deleteFlows } from './delete-flows.ts';
import { type Flow, listFlows } from './flows.ts';
import { Passes } from './passes.ts';
import { StaleFlows } from './stale-flows.ts';

/** Groups of flows kept at a time: one for each frontend and endpoint. */
const MAX_GROUPS = 10_000;
/** Pairs of frontend and endpoint that wait for a pass. Beyond that connections hang as they would without this. */
const MAX_PAIRS = 100_000;

export interface GoneFlowsOptions {
  readonly family: Family;
  readonly conntrack: Conntrack;
  /** Whether an address (canonical) is one of this node's where node ports are served. */
  readonly servesNodePorts: (address: string) => boolean;
  /** Whether connections to an endpoint's address by this frontend are still to end; asked right before it is done. */
  readonly isGone: (frontend: GoneFrontend, address: string) => boolean;
  /** Told how many connections a look at the kernel's took out. */
  readonly onEnded: (connections: number) => void;
  /** Seconds until a failed pass is made up for. */
  readonly retryAfter?: Readonly<Record<ConntrackFailure, number>>;
}

/**
 * Takes the TCP connections of one family out of conntrack whose endpoint is gone, so that a client's next packet is a new
 * connection's to the kernel, and is answered by a reset. A pass is one listing and one delete for each pair of frontend and
 * endpoint with connections. Requests return at once; those that come during a pass wait for the next, together.
 */
export class GoneFlows {
  readonly #options: GoneFlowsOptions;
  /** Frontend key → what is asked for. */
  #requested = new Map<string, GoneFrontend>();
  /** Of frontends and endpoints, in all that is requested. */
  #pairs = 0;
  readonly #passes: Passes;

  constructor(options: GoneFlowsOptions) {
    this.#options = options;
    this.#passes = new Passes({
      isNeeded: () => this.#requested.size > 0,
      pass: () => this.#pass(),
      retryAfter: options.retryAfter,
    });
  }

  /** Asks for an end of the connections to these endpoints by these frontends. */
  request(frontends: Iterable<GoneFrontend>): void {
    for (const frontend of frontends) this.#remember(frontend);
    this.#passes.start();
  }

  /** For good. The command that runs goes on until conntrack.stop(). */
  stop(): void {
    this.#passes.stop();
  }

  #remember(frontend: GoneFrontend): void {
    const key = udpFrontendKey(frontend);
    const before = this.#requested.get(key);
    // The frontend may have been another Service's: then what that one lost is not to be touched any more.
    const isSame = before?.service === frontend.service;
    const next = isSame ? { ...frontend, gone: new Set([...before.gone, ...frontend.gone]) } : frontend;
    const pairs = this.#pairs + next.gone.size - (before?.gone.size ?? 0);
    if (pairs > MAX_PAIRS) return;
    this.#pairs = pairs;
    this.#requested.set(key, next);
  }

  #take(): ReadonlyMap<string, GoneFrontend> {
    const requested = this.#requested;
    this.#requested = new Map();
    this.#pairs = 0;
    return requested;
  }

  async #pass(): Promise<void> {
    const frontends = this.#take();
    let isFinished = false;
    try {
      isFinished = await this.#end(frontends);
    } finally {
      if (!isFinished) this.#requestAgain(frontends.values());
    }
  }

  /** What came meanwhile counts more than what is asked for again. */
  #requestAgain(frontends: Iterable<GoneFrontend>): void {
    const newer = this.#take();
    for (const frontend of [...frontends, ...newer.values()]) this.#remember(frontend);
  }

  /** Returns whether nothing is left to do, or nothing more can be done. */
  async #end(frontends: ReadonlyMap<string, GoneFrontend>): Promise<boolean> {
    const { family, conntrack, servesNodePorts, isGone, onEnded } = this.#options;
    const flows = new StaleFlows(frontends, goneFilter, servesNodePorts, MAX_GROUPS);
    const filter = onlyEndpoint(frontends);
    await listFlows(conntrack, { family, protocol: 'tcp', filter }, (flow) => flows.add(flow));
    let ended = 0;
    let isUnfinished = flows.isFull;
    try {
      for (const { frontend: key, filter, sample } of flows) {
        if (this.#passes.isStopped) return true;
        const frontend = frontends.get(key);
        // It may have come back since the listing.
        if (frontend === undefined || !isGone(frontend, sample.replySource)) continue;
        const isDone = await deleteFlows(conntrack, { family, protocol: 'tcp', filter }, () => ended++);
        isUnfinished ||= !isDone;
      }
    } finally {
      if (ended > 0) onEnded(ended);
    }
    // Without progress another pass would not get further.
    return !isUnfinished || ended === 0;
  }
}

/** The filter of `conntrack -D -p tcp` for all connections to a frontend and the gone endpoint of this one; undefined if its endpoint is none. */
export function goneFilter(
  { destination, port, replySource, replyPort }: Flow,
  { gone }: GoneFrontend,
): string | undefined {
  if (!gone.has(endpointKey(replySource, replyPort))) return undefined;
  return `--orig-dst ${destination} --orig-port-dst ${port} --reply-src ${replySource} --reply-port-src ${replyPort}`;
}

/** The filter for the one address that all endpoints share, if there is one: a pod mostly goes alone. */
function onlyEndpoint(frontends: ReadonlyMap<string, GoneFrontend>): readonly string[] {
  const addresses = new Set<string>();
  for (const { gone } of frontends.values()) {
    for (const endpoint of gone) {
      addresses.add(endpoint.slice(0, endpoint.indexOf(' ')));
      if (addresses.size > 1) return [];
    }
  }
  const [address] = addresses;
  return address === undefined ? [] : ['--reply-src', address];
}
