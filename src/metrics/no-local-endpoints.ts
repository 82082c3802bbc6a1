import type { NoLocalEndpointsCount } from '../service/no-local-endpoints.ts';

/**
 * Adds up the ServicePorts without local endpoints in one family. The cost of a change does not depend on the number of
 * Services.
 */
export class NoLocalEndpoints {
  /** Only Services that have some: there are few. */
  readonly #counts = new Map<string, NoLocalEndpointsCount>();
  #internal = 0;
  #external = 0;

  get total(): NoLocalEndpointsCount {
    return { internal: this.#internal, external: this.#external };
  }

  /** Sets the result of noLocalEndpointsOf for a Service ("namespace/name"). */
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

  /** Forgets all Services, before all are set again. */
  clear(): void {
    this.#counts.clear();
    this.#internal = 0;
    this.#external = 0;
  }
}
