/** An order of items, and a key that is unique for each. */
export interface Order<T> {
  keyOf(item: T): string;
  comesBefore(a: T, b: T): boolean;
}

/** Removed items may make up half of the heap, plus this many. */
const SLACK = 8;

/**
 * A set that knows its first member in an order. Adding and removing costs the logarithm of its size, amortised; reading the
 * first costs nothing.
 */
export class Ranking<T> {
  readonly #order: Order<T>;
  readonly #members = new Map<string, T>();
  /** A binary heap: an item comes before those at 2i + 1 and 2i + 2. Removed items stay in it until they would be first. */
  #heap: T[] = [];

  constructor(order: Order<T>) {
    this.#order = order;
  }

  get size(): number {
    return this.#members.size;
  }

  get first(): T | undefined {
    return this.#heap[0];
  }

  /** Adds an item. It replaces one with the same key. */
  add(item: T): void {
    this.delete(this.#order.keyOf(item));
    this.#members.set(this.#order.keyOf(item), item);
    this.#heap.push(item);
    this.#siftUp(this.#heap.length - 1);
  }

  /** Takes out the item with this key, if there is one. */
  delete(key: string): void {
    if (!this.#members.delete(key)) return;
    if (this.#heap.length > 2 * this.#members.size + SLACK) {
      const { comesBefore } = this.#order;
      // A sorted array is also a heap.
      this.#heap = [...this.#members.values()].sort((a, b) => (comesBefore(a, b) ? -1 : 1));
    }
    while (this.#heap[0] !== undefined && !this.#isMember(this.#heap[0])) this.#removeFirst();
  }

  #isMember(item: T): boolean {
    return this.#members.get(this.#order.keyOf(item)) === item;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown(0);
  }

  #siftUp(from: number): void {
    for (let i = from; i > 0 && this.#swapUnlessOrdered((i - 1) >> 1, i); i = (i - 1) >> 1);
  }

  #siftDown(from: number): void {
    let i = from;
    for (;;) {
      const left = 2 * i + 1;
      const child = this.#isOrdered(left, left + 1) ? left : left + 1;
      if (!this.#swapUnlessOrdered(i, child)) return;
      i = child;
    }
  }

  #swapUnlessOrdered(parent: number, child: number): boolean {
    if (this.#isOrdered(parent, child)) return false;
    const [upper, lower] = [this.#heap[parent], this.#heap[child]];
    if (upper === undefined || lower === undefined) return false;
    this.#heap[parent] = lower;
    this.#heap[child] = upper;
    return true;
  }

  /** True if the item at `i` may be above the item at `j`. A missing item comes last. */
  #isOrdered(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    return b === undefined || (a !== undefined && !this.#order.comesBefore(b, a));
  }
}
