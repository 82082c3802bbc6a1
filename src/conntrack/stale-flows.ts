import { udpFrontendKey } from '../service/held-udp-frontends.ts';
import type { UdpAddress } from '../service/udp-frontends.ts';
import type { Flow } from './flows.ts';

/** Flows to a frontend that are deleted by one command. */
export interface StaleGroup {
  /** Key of the frontend. */
  readonly frontend: string;
  /** Options of conntrack, separated by spaces. */
  readonly filter: string;
  /** One of them. */
  readonly sample: Flow;
}

/** The largest share of all groups in memory that one frontend may have, so that it does not displace the others. */
const SHARE_OF_ONE = 1 / 10;

/** Finds the flows to a set of frontends that should not continue. */
export class StaleFlows<F extends UdpAddress> {
  readonly #frontends: ReadonlyMap<string, F>;
  readonly #filterOf: (flow: Flow, frontend: F) => string | undefined;
  readonly #servesNodePorts: (address: string) => boolean;
  readonly #limit: number;
  /** Frontend key → filter → its group. */
  readonly #groups = new Map<string, Map<string, StaleGroup & { flows: number }>>();
  #size = 0;
  #isFull = false;

  /**
   * `frontends`: by udpFrontendKey. `filterOf`: the filter that deletes a flow to a frontend together with others; undefined
   * if it may continue. `servesNodePorts`: whether an address (canonical) of this node serves node ports. `limit`: the
   * maximum number of groups in memory.
   */
  constructor(
    frontends: ReadonlyMap<string, F>,
    filterOf: (flow: Flow, frontend: F) => string | undefined,
    servesNodePorts: (address: string) => boolean,
    limit: number,
  ) {
    this.#frontends = frontends;
    this.#filterOf = filterOf;
    this.#servesNodePorts = servesNodePorts;
    this.#limit = limit;
  }

  /** True if there were more groups than fit. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes in a flow. */
  add(flow: Flow): void {
    const frontend = this.#frontendOf(flow);
    if (frontend === undefined) return;
    const filter = this.#filterOf(flow, frontend);
    if (filter === undefined) return;
    const key = udpFrontendKey(frontend);
    const ofFrontend = this.#groups.get(key) ?? new Map<string, StaleGroup & { flows: number }>();
    const group = ofFrontend.get(filter);
    if (group !== undefined) {
      group.flows++;
    } else if (this.#size >= this.#limit || ofFrontend.size >= Math.ceil(this.#limit * SHARE_OF_ONE)) {
      this.#isFull = true;
    } else {
      this.#size++;
      this.#groups.set(key, ofFrontend.set(filter, { frontend: key, filter, sample: flow, flows: 1 }));
    }
  }

  /**
   * The groups found, each once. A command takes the same time for each group, so those with the most flows come first. But
   * each frontend has its first group before any has its second.
   */
  *[Symbol.iterator](): Generator<StaleGroup, void> {
    const byFlows = [...this.#groups.values()].map((groups) => [...groups.values()].sort((a, b) => b.flows - a.flows));
    byFlows.sort(([a], [b]) => (b?.flows ?? 0) - (a?.flows ?? 0));
    for (let round = 0; ; round++) {
      const groups = byFlows.flatMap((ofFrontend) => ofFrontend[round] ?? []);
      if (groups.length === 0) return;
      yield* groups;
    }
  }

  /** Flows through the node to the number of a node port elsewhere belong to others. */
  #frontendOf({ destination, port }: Flow): F | undefined {
    const frontend = this.#frontends.get(udpFrontendKey({ address: destination, port }));
    if (frontend !== undefined) return frontend;
    const nodePort = this.#frontends.get(udpFrontendKey({ address: '', port }));
    return nodePort !== undefined && this.#servesNodePorts(destination) ? nodePort : undefined;
  }
}
