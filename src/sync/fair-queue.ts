/**
 * A queue whose items are in groups that take turns. If a group has thousands of items, one of them goes, and then one of
 * each other group. An item is in the queue once.
 */
export class FairQueue<Item> {
  readonly #groups = new Map<string, Group<Item>>();
  /** One iterator for all turns. A new one would step over the deleted groups each time. */
  #turns = this.#groups.values();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an item behind the others of its group. */
  add(name: string, item: Item): void {
    const group = this.#groups.get(name) ?? this.#begin(name);
    if (group.items.has(item)) return;
    group.items.add(item);
    this.#size++;
  }

  has(name: string, item: Item): boolean {
    return this.#groups.get(name)?.items.has(item) ?? false;
  }

  clear(): void {
    this.#groups.clear();
    this.#size = 0;
  }

  /** Takes out the first item of the group whose turn it is; undefined if there is none. */
  next(): Item | undefined {
    if (this.#size === 0) return undefined;
    let turn = this.#turns.next();
    if (turn.done) {
      this.#turns = this.#groups.values();
      turn = this.#turns.next();
    }
    const group = turn.value;
    const item = group && firstOf(group);
    if (group === undefined || item === undefined) return undefined;
    group.items.delete(item);
    this.#size--;
    this.#groups.delete(group.name);
    if (group.items.size > 0) this.#groups.set(group.name, group);
    return item;
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (const { items } of this.#groups.values()) yield* items;
  }

  #begin(name: string): Group<Item> {
    const items = new Set<Item>();
    const group = { name, items, order: items.values() };
    this.#groups.set(name, group);
    return group;
  }
}

/** Never empty, except for a moment. */
interface Group<Item> {
  readonly name: string;
  readonly items: Set<Item>;
  order: Iterator<Item, undefined>;
}

function firstOf<Item>(group: Group<Item>): Item | undefined {
  const { done, value } = group.order.next();
  if (!done) return value;
  group.order = group.items.values();
  return group.order.next().value;
}
