import { setTimeout as delay } from 'node:timers/promises';
import type { RawObject, RealApiServer } from './api-server.ts';
import type { Network } from './network.ts';

const NAME = 'beacon';
const ADDRESSES = ['10.96.0.200', 'fd00:96::200'] as const;
const FIRST_PORT = 10_000;
const PORTS = 20_000;

/** Milliseconds within which a proxy has to be in sync. */
const LIMIT = 60_000;
const LOOK_EVERY = 25;

/**
 * A Service that changes after everything else, so that who serves the change has all that came before: the Service has
 * another port each time, its slices another endpoint, and both families are probed.
 */
export class Beacon {
  readonly #api: RealApiServer;
  #turn = 0;

  constructor(api: RealApiServer) {
    this.#api = api;
  }

  /** Changes it. */
  async turn(): Promise<void> {
    this.#turn += 1;
    await this.#api.put(this.#service());
    await Promise.all((['IPv4', 'IPv6'] as const).map((family, i) => this.#api.put(this.#slice(family, i))));
  }

  /** Resolves when the last change is in force on a node; rejects, with `describe` in the error, if it never is. */
  async untilSeen(network: Network, describe: () => string): Promise<void> {
    const end = performance.now() + LIMIT;
    let waiting: readonly number[] = [0, 1];
    let last: readonly string[] = [];
    while (waiting.length > 0) {
      const outcomes = await network.run(
        'client',
        waiting.map((i) => `new udp ${ADDRESSES[i]} ${this.#port} - 1 1 0.1`),
      );
      last = outcomes.map((seen) => [...seen.keys()].join());
      waiting = waiting.filter((family, i) => !last[i]?.startsWith(`${endpointText(this.#endpoint(family))} `));
      if (waiting.length === 0) return;
      if (performance.now() > end) throw new Error(`not in sync after ${LIMIT / 1000} s: ${last}\n${describe()}`);
      await delay(LOOK_EVERY);
    }
  }

  get #port(): number {
    return FIRST_PORT + (this.#turn % PORTS);
  }

  #endpoint(family: number): string {
    const n = this.#turn % 16_384;
    return family === 0 ? `10.32.${160 + (n >> 8)}.${n & 255}` : `fd00:32::2:${n.toString(16)}`;
  }

  #service(): RawObject {
    return {
      kind: 'Service',
      metadata: { name: NAME },
      spec: {
        clusterIP: ADDRESSES[0],
        clusterIPs: ADDRESSES,
        ipFamilyPolicy: 'RequireDualStack',
        ports: [{ name: NAME, protocol: 'UDP', port: this.#port }],
      },
    };
  }

  #slice(addressType: 'IPv4' | 'IPv6', family: number): RawObject {
    return {
      kind: 'EndpointSlice',
      metadata: { name: `${NAME}-${addressType.toLowerCase()}`, labels: { 'kubernetes.io/service-name': NAME } },
      addressType,
      ports: [{ name: NAME, protocol: 'UDP', port: 8080 }],
      endpoints: [{ addresses: [this.#endpoint(family)], conditions: { ready: true } }],
    };
  }
}

function endpointText(address: string): string {
  return address.includes(':') ? `[${address}]:8080` : `${address}:8080`;
}
