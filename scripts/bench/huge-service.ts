import type { Cluster } from '../../src/service/cluster.ts';
import { type ClusterSize, podAddress, serviceOf, sliceOf } from './synthetic-cluster.ts';

/** Endpoints in a slice; the default of kube-controller-manager. */
const PER_SLICE = 100;
/** Numbers its pods, and the Service itself, far from all others. */
const FIRST_POD = 500_000;
const DISTANCE = 50_001;

/** One Service with very many endpoints, beside all others of a cluster. Its methods return the Services that changed. */
export class HugeService {
  readonly #cluster: Cluster;
  readonly #n: number;
  readonly #slices: string[][] = [];
  #nextPod = FIRST_POD;

  /** `endpoints`: 0 for no such Service. */
  constructor(cluster: Cluster, { services }: ClusterSize, endpoints: number) {
    this.#cluster = cluster;
    this.#n = services + DISTANCE;
    if (endpoints > 0) cluster.set(serviceOf(this.#n));
    for (let i = 0; i * PER_SLICE < endpoints; i++) {
      const count = Math.min(PER_SLICE, endpoints - i * PER_SLICE);
      this.#setSlice(
        i,
        Array.from({ length: count }, () => podAddress(this.#nextPod++)),
      );
    }
  }

  /** One endpoint more, in one slice. */
  gain(turn: number): readonly string[] {
    const i = turn % this.#slices.length;
    return this.#setSlice(i, [...(this.#slices[i] ?? []), podAddress(this.#nextPod++)]);
  }

  /** One endpoint less, in the middle of the same slice. */
  lose(turn: number): readonly string[] {
    const i = turn % this.#slices.length;
    return this.#setSlice(i, (this.#slices[i] ?? []).toSpliced(PER_SLICE / 2, 1));
  }

  #setSlice(i: number, addresses: string[]): readonly string[] {
    this.#slices[i] = addresses;
    const slice = sliceOf(this.#n, addresses);
    return this.#cluster.set({ ...slice, name: `${slice.name}-${i}` });
  }
}
