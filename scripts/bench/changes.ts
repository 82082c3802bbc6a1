import type { Cluster } from '../../src/service/cluster.ts';
import { type ClusterSize, podAddress, podAddresses, serviceKey, serviceOf, sliceOf } from './synthetic-cluster.ts';

/**
 * What happens to a cluster in one turn, in this order. From five endpoints on the first two changes stay within eight
 * slots; the next two go to three, and so to four slots, and back, which moves the frontend's verdict.
 */
export const CHANGES = [
  'endpoint added',
  'endpoint removed',
  'two endpoints removed, verdict moves',
  'two endpoints added, verdict moves',
  'service added',
  'service removed',
] as const;

export type Change = (typeof CHANGES)[number];

/** Makes changes to a synthetic cluster; each method returns the keys of the Services that changed. */
export class Changes {
  readonly #cluster: Cluster;
  readonly #size: ClusterSize;
  /** Endpoints of the Services touched so far. */
  readonly #endpoints = new Map<number, readonly string[]>();
  /** Number of the next pod that is not in use. */
  #nextPod: number;
  #nextService: number;

  constructor(cluster: Cluster, size: ClusterSize) {
    this.#cluster = cluster;
    this.#size = size;
    this.#nextPod = size.services * size.endpoints;
    this.#nextService = size.services;
  }

  /** `service`: whose endpoints change; `turn` varies which of them is removed. A Service added is a new one. */
  make(change: Change, service: number, turn: number): readonly string[] {
    if (change === 'service added') return this.#addService();
    if (change === 'service removed') return this.#removeService();
    const before = this.#endpoints.get(service) ?? podAddresses(service, this.#size);
    const count = change.startsWith('two') ? 2 : 1;
    const after = change.includes('added')
      ? [...before, ...Array.from({ length: count }, () => podAddress(this.#nextPod++))]
      : before.toSpliced(turn % (before.length + 1 - count), count);
    this.#endpoints.set(service, after);
    return this.#cluster.set(sliceOf(service, after));
  }

  #addService(): readonly string[] {
    const n = this.#nextService++;
    const endpoints = Array.from({ length: this.#size.endpoints }, () => podAddress(this.#nextPod++));
    return [...new Set([...this.#cluster.set(serviceOf(n)), ...this.#cluster.set(sliceOf(n, endpoints))])];
  }

  #removeService(): readonly string[] {
    const n = this.#nextService - 1;
    return [
      ...new Set([
        ...this.#cluster.delete('Service', serviceKey(n)),
        ...this.#cluster.delete('EndpointSlice', `${serviceKey(n)}-slice`),
      ]),
    ];
  }
}
