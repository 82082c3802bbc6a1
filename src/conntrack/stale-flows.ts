import { udpFrontendKey } from '../service/held-udp-frontends.ts';
import type { UdpAddress } from '../service/udp-frontends.ts';
import type { Flow } from './flows.ts';

/** Flows to a frontend that one command deletes. */
export interface StaleGroup {
  /** Key of the frontend. */
  readonly frontend: string;
  /** Options of conntrack, with a space between. */
  readonly filter: string;
  /** One of them. */
  readonly sample: Flow;
}

/** Of all groups that are kept, a frontend may have so large a part: one must not keep out the others. */
const SHARE_OF_ONE = 1 / 10;

/** Finds the flows to a set of frontends that should not go on. */
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
   * `frontends` by udpFrontendKey. `filterOf`: the filter by which a flow to a frontend is deleted together with others;
   * undefined if it may go on. `servesNodePorts`: whether an address (canonical) is one of this node's where node
   * ports are served. `limit`: groups beyond this are not kept.
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

  /** True if there were more than could be kept. */
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
   * The groups found, each once. A command takes equally long for each, so those with the most flows come first; but no
   * frontend has its second before all others have had their first.
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

  /** Flows through the node to a node port's number elsewhere are other people's. */
  #frontendOf({ destination, port }: Flow): F | undefined {
    const frontend = this.#frontends.get(udpFrontendKey({ address: destination, port }));
    if (frontend !== undefined) return frontend;
    const nodePort = this.#frontends.get(udpFrontendKey({ address: '', port }));
    return nodePort !== undefined && this.#servesNodePorts(destination) ? nodePort : undefined;
  }
}
