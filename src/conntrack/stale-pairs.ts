import type { UdpFrontend } from '../service/udp-frontends.ts';
import type { Flow } from './flows.ts';

/** Flows from one frontend to one address that does not serve it. */
export interface StalePair {
  /** Key of the frontend. */
  readonly frontend: string;
  readonly destination: string;
  readonly port: number;
  readonly replySource: string;
}

/** What frontends are told apart by; `address` is empty for a node port. */
export function udpFrontendKey(address: string, port: number): string {
  return `${address} ${port}`;
}

/** Finds the pairs of a frontend and an endpoint, or other address, that have flows but should not. */
export class StalePairs {
  readonly #frontends: ReadonlyMap<string, UdpFrontend>;
  readonly #isNodeAddress: (address: string) => boolean;
  readonly #limit: number;
  /** By "destination port reply-source". */
  readonly #pairs = new Map<string, { readonly frontend: string; flows: number }>();
  #isFull = false;

  /** `limit`: pairs beyond this are not kept. */
  constructor(frontends: ReadonlyMap<string, UdpFrontend>, isNodeAddress: (address: string) => boolean, limit: number) {
    this.#frontends = frontends;
    this.#isNodeAddress = isNodeAddress;
    this.#limit = limit;
  }

  /** True if there were more than could be kept. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes in a flow. */
  add({ destination, port, replySource }: Flow): void {
    const frontend = this.#frontendOf(destination, port);
    if (frontend === undefined || frontend.serving.has(replySource)) return;
    const key = `${destination} ${port} ${replySource}`;
    const pair = this.#pairs.get(key);
    if (pair !== undefined) pair.flows++;
    else if (this.#pairs.size >= this.#limit) this.#isFull = true;
    else this.#pairs.set(key, { frontend: udpFrontendKey(frontend.address, port), flows: 1 });
  }

  /** The pairs found, each once, those with the most flows first: a delete takes equally long for each. */
  *[Symbol.iterator](): Generator<StalePair, void> {
    for (const [key, { frontend }] of [...this.#pairs].sort(([, a], [, b]) => b.flows - a.flows)) {
      const [destination = '', port, replySource = ''] = key.split(' ');
      yield { frontend, destination, port: Number(port), replySource };
    }
  }

  /** Flows through the node to a node port's number elsewhere are other people's. */
  #frontendOf(destination: string, port: number): UdpFrontend | undefined {
    const frontend = this.#frontends.get(udpFrontendKey(destination, port));
    if (frontend !== undefined) return frontend;
    const nodePort = this.#frontends.get(udpFrontendKey('', port));
    return nodePort !== undefined && this.#isNodeAddress(destination) ? nodePort : undefined;
  }
}
