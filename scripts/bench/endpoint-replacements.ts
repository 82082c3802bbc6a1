import { type ClusterSize, podAddress, podAddresses } from './synthetic-cluster.ts';

/** One endpoint of a Service in exchange for a new one, as a roll-out makes it. */
export interface Replacement {
  readonly service: number;
  /** All endpoints the Service has now. */
  readonly addresses: readonly string[];
  /** The one that no Service had before. */
  readonly fresh: string;
}

/** A step from one Service to the next that leads far away in every map; a prime. */
const STRIDE = 331;

/** The endpoints of a synthetic cluster in which one after the other is replaced. */
export class EndpointReplacements {
  readonly #size: ClusterSize;
  /** Endpoints of the Services touched so far. */
  readonly #endpoints = new Map<number, readonly string[]>();
  #turn = 0;
  #nextPod: number;

  constructor(size: ClusterSize) {
    this.#size = size;
    this.#nextPod = size.services * size.endpoints;
  }

  endpointsOf(service: number): readonly string[] {
    return this.#endpoints.get(service) ?? podAddresses(service, this.#size);
  }

  /** Of always another Service, until all had their turn. */
  next(): Replacement {
    const { services, endpoints } = this.#size;
    const service = (this.#turn * STRIDE) % services;
    const fresh = podAddress(this.#nextPod++);
    const addresses = this.endpointsOf(service).with(this.#turn++ % endpoints, fresh);
    this.#endpoints.set(service, addresses);
    return { service, addresses, fresh };
  }
}
