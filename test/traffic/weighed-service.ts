import assert from 'node:assert/strict';
import type { Family } from '../../src/ip.ts';
import type { Nft } from '../../src/nft/nft.ts';
import type { Service } from '../../src/objects/service.ts';
import { AheadClock } from '../builders/ahead-clock.ts';
import { podNetwork } from '../builders/models.ts';
import { HTTP, NODE_NAME, ready, service, slice, slicePort } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';

const PORTS = (['tcp', 'udp'] as const).map((protocol) => ({ ...HTTP, protocol, name: protocol }));
const SLICE_PORTS = PORTS.map(({ name, protocol }) => slicePort({ name, protocol }));

/** Its name, weight, and the addresses of its endpoints. */
export type WeighedSlice = readonly [name: string, weight: number, pods: readonly string[]];

export interface WeighedServiceOptions {
  readonly nft: Nft;
  /** Default: ip. */
  readonly family?: Family;
  /** What the Service has besides. */
  readonly changes?: Partial<Service>;
  /** Of this node's addresses. Default: none. */
  readonly nodePort?: { readonly port: number; readonly networks: readonly string[] };
  /** The endpoints of this node; all others are of another one. Default: none. */
  readonly here?: readonly string[];
}

/** A daemon's middle with one Service, port 80 over TCP and UDP to 8080, in the kernel; its endpoints by slices of different weight. */
export class WeighedService {
  readonly #clock = new AheadClock();
  readonly #running: ReturnType<typeof startSyncer>;
  readonly #here: readonly string[];

  constructor(
    { nft, family = 'ip', changes = {}, nodePort, here = [] }: WeighedServiceOptions,
    ...slices: readonly WeighedSlice[]
  ) {
    this.#here = here;
    const model = podNetwork([CLUSTER_CIDR[family === 'ip' ? 'ip4' : 'ip6']], nodePort?.networks);
    const ports = nodePort === undefined ? PORTS : PORTS.map((port) => ({ ...port, nodePort: nodePort.port }));
    const objects = [service({ ports, ...changes }), ...slices.map((one) => this.#sliceOf(one))];
    this.#running = startSyncer(nft, objects, { family, model, clock: this.#clock });
  }

  /** Resolves when the kernel has all of it. */
  whenInSync(): Promise<void> {
    return this.#running.syncer.whenInSync();
  }

  /** Replaces slices, and waits until the kernel has that. */
  write(...slices: readonly WeighedSlice[]): Promise<void> {
    return this.#running.set(...slices.map((one) => this.#sliceOf(one)));
  }

  /** Lets seconds pass at once. */
  pass(seconds: number): Promise<void> {
    this.#clock.skip(1000 * seconds);
    this.#running.syncer.networksChanged();
    return this.whenInSync();
  }

  /** Name of its table in the kernel. */
  get table(): string {
    return this.#running.syncer.table ?? assert.fail('no table');
  }

  /** What it has logged that is no information. */
  get warnings(): readonly string[] {
    return this.#running.complaints();
  }

  stop(): void {
    void this.#running.stop();
  }

  #sliceOf([name, weight, pods]: WeighedSlice) {
    const isHere = (address: string) => this.#here.includes(address);
    const endpoints = pods.map((address) => ready(address, isHere(address) ? { nodeName: NODE_NAME } : {}));
    return slice(endpoints, { name, ports: SLICE_PORTS, options: { weight } });
  }
}
