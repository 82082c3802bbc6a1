import { packed } from '../objects/compact.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';

/** Up to this many slices of a Service are in an array, which is copied at each change. */
const FEW = 16;

const NONE: readonly EndpointSlice[] = [];

/** Many slices of one Service. Their array is created on demand. */
interface Many {
  readonly all: Set<EndpointSlice>;
  list: readonly EndpointSlice[] | undefined;
}

/**
 * The slices of each Service, by the Service's key. The cost of adding or removing a slice does not depend on their number:
 * a Service may have thousands, which arrive one by one. The few slices of most Services take little memory.
 */
export class SliceIndex {
  readonly #byService = new Map<string, readonly EndpointSlice[] | Many>();

  /** In no particular order. An array that was returned never changes. */
  of(serviceKey: string): readonly EndpointSlice[] {
    const slices = this.#byService.get(serviceKey) ?? NONE;
    if (!isMany(slices)) return slices;
    slices.list ??= [...slices.all];
    return slices.list;
  }

  /** True if a Service has any. */
  has(serviceKey: string): boolean {
    return this.#byService.has(serviceKey);
  }

  /** Adds a slice that is not in the index. */
  add(serviceKey: string, slice: EndpointSlice): void {
    const slices = this.#byService.get(serviceKey) ?? NONE;
    if (isMany(slices)) {
      slices.all.add(slice);
      slices.list = undefined;
      return;
    }
    const more = [...slices, slice];
    const isFew = more.length <= FEW;
    this.#byService.set(serviceKey, isFew ? packed(more) : { all: new Set(more), list: undefined });
  }

  remove(serviceKey: string, slice: EndpointSlice): void {
    const slices = this.#byService.get(serviceKey) ?? NONE;
    if (isMany(slices)) {
      slices.all.delete(slice);
      slices.list = undefined;
      // Half as many, so that one slice that is added and removed repeatedly does not convert it each time.
      if (slices.all.size <= FEW / 2) this.#byService.set(serviceKey, packed([...slices.all]));
      return;
    }
    const others = slices.filter((other) => other !== slice);
    if (others.length === 0) this.#byService.delete(serviceKey);
    else this.#byService.set(serviceKey, packed(others));
  }
}

function isMany(slices: readonly EndpointSlice[] | Many): slices is Many {
  return 'all' in slices;
}
