import type { Family } from '../ip.ts';
import type { GoneFrontend } from '../service/gone-endpoints.ts';
import { udpFrontendKey } from '../service/held-udp-frontends.ts';
import { endpointKey } from '../service/udp-frontends.ts';
import type { Conntrack, ConntrackFailure } from './conntrack.ts';
import { deleteFlows } from './delete-flows.ts';
import { type Flow, listFlows } from './flows.ts';
import { Passes } from './passes.ts';
import { StaleFlows } from './stale-flows.ts';

/** The maximum number of groups of flows in memory: one for each frontend and endpoint. */
const MAX_GROUPS = 10_000;
/**
 * The maximum number of pairs of frontend and endpoint that wait for a pass. Connections beyond it hang, as without this
 * feature.
 */
const MAX_PAIRS = 100_000;

export interface GoneFlowsOptions {
  readonly family: Family;
  readonly conntrack: Conntrack;
  /** Whether an address (canonical) of this node serves node ports. */
  readonly servesNodePorts: (address: string) => boolean;
  /** Whether connections through this frontend to an endpoint's address are still to be ended. Called right before that. */
  readonly isGone: (frontend: GoneFrontend, address: string) => boolean;
  /** Called with the number of connections that a pass ended. */
  readonly onEnded: (connections: number) => void;
  /** Seconds until a failed pass is repeated. */
  readonly retryAfter?: Readonly<Record<ConntrackFailure, number>>;
}

/**
 * Removes the TCP connections of one family from conntrack whose endpoint is gone. For the kernel, a client's next packet
 * then belongs to a new connection, and is answered with a reset. A pass is one listing, and one deletion for each pair of
 * frontend and endpoint with connections. Requests return at once. Those that arrive during a pass wait for the next one
 * together.
 */
export class GoneFlows {
  readonly #options: GoneFlowsOptions;
  /** Frontend key → what was requested. */
  #requested = new Map<string, GoneFrontend>();
  /** The number of pairs of frontend and endpoint in all requests. */
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

  /** Requests that connections through these frontends to these endpoints end. */
  request(frontends: Iterable<GoneFrontend>): void {
    for (const frontend of frontends) this.#remember(frontend);
    this.#passes.start();
  }

  /** Permanent. The running command continues until conntrack.stop(). */
  stop(): void {
    this.#passes.stop();
  }

  #remember(frontend: GoneFrontend): void {
    const key = udpFrontendKey(frontend);
    const before = this.#requested.get(key);
    // The frontend may have belonged to another Service. Then what that Service lost must not be touched.
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

  /** Requests that arrived in the meantime take precedence. */
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
    // Without progress, another pass would not get further.
    return !isUnfinished || ended === 0;
  }
}

/**
 * The filter for `conntrack -D -p tcp` for all connections to a frontend and the gone endpoint of this one; undefined if its
 * endpoint is not gone.
 */
export function goneFilter(
  { destination, port, replySource, replyPort }: Flow,
  { gone }: GoneFrontend,
): string | undefined {
  if (!gone.has(endpointKey(replySource, replyPort))) return undefined;
  return `--orig-dst ${destination} --orig-port-dst ${port} --reply-src ${replySource} --reply-port-src ${replyPort}`;
}

/** The filter for the one address that all endpoints share, if there is one: usually a single pod is gone. */
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
