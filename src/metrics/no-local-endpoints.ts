import type { NoLocalEndpointsCount } from '../service/no-local-endpoints.ts';

/** Adds up the ServicePorts without local endpoints of one family; a change of one Service costs the same at any size. */
export class NoLocalEndpoints {
  /** Only Services that have some, which are few. */
  readonly #counts = new Map<string, NoLocalEndpointsCount>();
  #internal = 0;
  #external = 0;

  get total(): NoLocalEndpointsCount {
    return { internal: this.#internal, external: this.#external };
  }

  /** Sets what noLocalEndpointsOf says of a Service ("namespace/name"). */
  set(serviceKey: string, count: NoLocalEndpointsCount): void {
    this.delete(serviceKey);
    if (count.internal === 0 && count.external === 0) return;
    this.#counts.set(serviceKey, count);
    this.#internal += count.internal;
    this.#external += count.external;
  }

  /** Forgets a Service; an unknown one is no error. */
  delete(serviceKey: string): void {
    const { internal, external } = this.#counts.get(serviceKey) ?? { internal: 0, external: 0 };
    this.#counts.delete(serviceKey);
    this.#internal -= internal;
    this.#external -= external;
  }

  /** Forgets all Services: for when all are about to be set anew. */
  clear(): void {
    this.#counts.clear();
    this.#internal = 0;
    this.#external = 0;
  }
}
