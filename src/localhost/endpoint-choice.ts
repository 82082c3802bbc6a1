import type { LocalhostNodePort } from '../service/localhost-node-ports.ts';

export type EndpointAddress = LocalhostNodePort['endpoints'][number];

/** What the selection depends on besides the endpoints. */
export interface Chance {
  /** A number from 0 to below 1, uniformly distributed. */
  random(): number;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

/**
 * Selects the endpoint of each new connection to a node port on loopback: at random by weight, or with ClientIP affinity the
 * last one selected, until the affinity's seconds have passed without a new connection. All connections have one client:
 * this node.
 */
export class EndpointChoice {
  readonly #chance: Chance;
  #nodePort: LocalhostNodePort | undefined;
  #pinned: { readonly key: string; readonly until: number } | undefined;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Selects among these endpoints from now on; undefined: there are none. */
  use(nodePort: LocalhostNodePort | undefined): void {
    if (nodePort?.servicePort !== this.#nodePort?.servicePort) this.#pinned = undefined;
    this.#nodePort = nodePort;
  }

  /**
   * An endpoint for a connection that has already been tried with the keys in `tried` (endpointKey); undefined: none is
   * left.
   */
  next(tried: ReadonlySet<string>): EndpointAddress | undefined {
    const { endpoints = [], affinitySeconds } = this.#nodePort ?? {};
    const left = tried.size === 0 ? endpoints : endpoints.filter((endpoint) => !tried.has(endpointKey(endpoint)));
    const now = this.#chance.now();
    const pin = affinitySeconds !== undefined && this.#pinned !== undefined && now < this.#pinned.until && this.#pinned;
    const pinned = pin ? left.find((endpoint) => endpointKey(endpoint) === pin.key) : undefined;
    const endpoint = pinned ?? drawn(left, this.#chance.random());
    if (endpoint !== undefined && affinitySeconds !== undefined) {
      this.#pinned = { key: endpointKey(endpoint), until: now + affinitySeconds * 1000 };
    }
    return endpoint;
  }
}

/** "10.0.0.1 8080". */
export function endpointKey({ address, port }: EndpointAddress): string {
  return `${address} ${port}`;
}

/** Selects one of them by a number from 0 to 1, with probabilities according to the weights. */
function drawn(endpoints: readonly EndpointAddress[], random: number): EndpointAddress | undefined {
  let sum = 0;
  for (const { weight = 1 } of endpoints) sum += weight;
  let left = Math.floor(random * sum);
  return endpoints.find(({ weight = 1 }) => {
    left -= weight;
    return left < 0;
  });
}
