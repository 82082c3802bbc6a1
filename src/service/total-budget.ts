import type { Family } from '../ip.ts';

/** The memory that elements have to fit into, in bytes. */
export interface Memory {
  /** What this process and those it starts (nft) may use: the limit of their cgroup, or else the machine's memory. */
  readonly available: number;
  /** True if `available` is theirs alone; the machine's is everybody's. */
  readonly isOwn: boolean;
  /** The limit of the JavaScript heap. */
  readonly heap: number;
}

/** What an element takes: 0.5 KiB here, 0.2 KiB in the kernel, and 1.4 KiB of nft when a start lists them. */
const BYTES = 2560;

/** What of that is JavaScript heap, with what is made and dropped on the way. */
const HEAP_BYTES = 1024;

/** What both processes take without any element. */
const BASE_BYTES = 128 * 2 ** 20;

/** Of the machine's memory, where it is everybody's. */
const MACHINE_SHARE = 3 / 4;

/** Of the heap; the rest is for the objects of the cluster and for garbage. */
const HEAP_SHARE = 2 / 3;

/** So many there are always: a limit that is too small for them is too small for anything. */
const LEAST = 20_000;

/** How many elements fit into the memory there is. */
export function elementsFor({ available, isOwn, heap }: Memory): number {
  const ours = (isOwn ? available : available * MACHINE_SHARE) - BASE_BYTES;
  return Math.max(LEAST, Math.floor(Math.min(ours / BYTES, (heap * HEAP_SHARE) / HEAP_BYTES)));
}

/** How many elements all Services may have together, in both families. */
export class TotalBudget {
  readonly #total: number;
  readonly #demands = new Map<Family, number>();

  constructor(total: number) {
    this.#total = total;
  }

  /** Notes what the Services of a family ask for. */
  demand(family: Family, elements: number): void {
    this.#demands.set(family, elements);
  }

  /** What the Services of a family may have: half, and what the other family does not ask for. */
  room(family: Family): number {
    let others = 0;
    for (const [other, elements] of this.#demands) if (other !== family) others += elements;
    return Math.max(Math.floor(this.#total / 2), this.#total - others);
  }
}
