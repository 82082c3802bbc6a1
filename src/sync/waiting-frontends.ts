import { FairQueue } from './fair-queue.ts';

/** A frontend that waits for its elements. */
export interface WaitingFrontend {
  /** See frontendKey. */
  readonly key: string;
  /** The Services whose changes are not in force before it is. */
  readonly services: ReadonlySet<string>;
}

type Held = WaitingFrontend & { readonly services: Set<string> };

/** Frontends of large Services that are computed and wait for their elements. Namespaces take turns. */
export class WaitingFrontends {
  readonly #queue = new FairQueue<Held>();
  readonly #byKey = new Map<string, Held>();
  /** Service → how many of these it waits for. */
  readonly #countOf = new Map<string, number>();

  get size(): number {
    return this.#byKey.size;
  }

  /** True if a Service waits for one. */
  isPending(service: string): boolean {
    return this.#countOf.has(service);
  }

  /** Adds a frontend that some Services wait for, or adds Services to one that is waiting already. */
  add(key: string, services: readonly string[]): void {
    const known = this.#byKey.get(key);
    const frontend: Held = known ?? { key, services: new Set() };
    for (const service of services) {
      if (frontend.services.has(service)) continue;
      frontend.services.add(service);
      this.#countOf.set(service, (this.#countOf.get(service) ?? 0) + 1);
    }
    if (known !== undefined) return;
    this.#byKey.set(key, frontend);
    this.putBack(frontend);
  }

  /** Takes out the next frontend. Its Services keep waiting until `done`. */
  next(): WaitingFrontend | undefined {
    return this.#queue.next();
  }

  /** A part of it is done: it waits for another turn. */
  putBack(frontend: WaitingFrontend): void {
    const held = this.#byKey.get(frontend.key);
    const [first = ''] = frontend.services;
    if (held !== undefined) this.#queue.add(namespaceOf(first), held);
  }

  /** It no longer waits. Returns the Services that now wait for nothing. */
  done({ key, services }: WaitingFrontend): readonly string[] {
    this.#byKey.delete(key);
    return [...services].filter((service) => {
      const left = (this.#countOf.get(service) ?? 0) - 1;
      if (left > 0) this.#countOf.set(service, left);
      else this.#countOf.delete(service);
      return left <= 0;
    });
  }
}

/** The namespace of a Service key. */
export function namespaceOf(serviceKey: string): string {
  return serviceKey.slice(0, serviceKey.indexOf('/'));
}
