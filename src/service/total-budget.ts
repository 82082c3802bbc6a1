import type { Family } from '../ip.ts';

/** The memory that elements have to fit into, in bytes. */
export interface Memory {
  /** What this process and its children (nft) may use: the limit of their cgroup, otherwise the machine's memory. */
  readonly available: number;
  /** True if `available` is for them alone. The machine's memory is for all. */
  readonly isOwn: boolean;
  /** The limit of the JavaScript heap. */
  readonly heap: number;
}

/**
 * The memory for an element: 0.5 KiB here, 0.2 KiB in the kernel, and 1.4 KiB of nft when it lists the elements at a start.
 */
const BYTES = 2560;

/** The part of it in the JavaScript heap, including temporary objects. */
const HEAP_BYTES = 1024;

/** What both processes use without any element. */
const BASE_BYTES = 128 * 2 ** 20;

/** The usable share of the machine's memory, if that is for all. */
const MACHINE_SHARE = 3 / 4;

/** The share of the heap. The rest is for the objects of the cluster and for garbage. */
const HEAP_SHARE = 2 / 3;

/** The minimum: a memory limit that is too small for this many elements is too small for anything. */
const LEAST = 20_000;

/** How many elements fit into the memory. */
export function elementsFor({ available, isOwn, heap }: Memory): number {
  const ours = (isOwn ? available : available * MACHINE_SHARE) - BASE_BYTES;
  return Math.max(LEAST, Math.floor(Math.min(ours / BYTES, (heap * HEAP_SHARE) / HEAP_BYTES)));
}

/** How many elements all Services may have together, in both families. */
export class TotalBudget {
  readonly #total: number;
  /** What the Services of each family need, and what else would make their weights exact. */
  readonly #needs = new Map<Family, number>();
  readonly #spare = new Map<Family, number>();

  constructor(total: number) {
    this.#total = total;
  }

  /** Sets what the Services of a family need, and what else (`spare`) would make their weights exact. */
  demand(family: Family, elements: number, spare = 0): void {
    this.#needs.set(family, elements);
    this.#spare.set(family, spare);
  }

  /** What the Services of a family may have: half, plus what the other family does not need. */
  room(family: Family): number {
    return shareOf(this.#total, this.#needs, family);
  }

  /** What they may use to make weights exact: half of what nobody needs, plus what the other family does not request. */
  spareRoom(family: Family): number {
    let left = this.#total;
    for (const elements of this.#needs.values()) left -= elements;
    return shareOf(Math.max(left, 0), this.#spare, family);
  }
}

function shareOf(total: number, demands: ReadonlyMap<Family, number>, family: Family): number {
  let others = 0;
  for (const [other, elements] of demands) if (other !== family) others += elements;
  return Math.max(Math.floor(total / 2), total - others);
}
