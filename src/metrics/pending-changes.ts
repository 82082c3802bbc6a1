import type { Family } from '../ip.ts';

/** Counts the changes of one kind that are not yet in force in every family. */
export class PendingChanges {
  #seen = 0;
  readonly #taken = new Map<Family, number>();
  readonly #done: Map<Family, number>;

  /** `families`: those that are programmed. */
  constructor(families: readonly Family[]) {
    this.#done = new Map(families.map((family) => [family, 0]));
  }

  /** All changes seen so far. */
  get total(): number {
    return this.#seen;
  }

  /** Those that are not yet in force in the slowest family. */
  get pending(): number {
    return this.#seen - Math.min(this.#seen, ...this.#done.values());
  }

  seen(): void {
    this.#seen++;
  }

  /** Everything known by now is part of the family's next transaction. */
  taken(family: Family): void {
    this.#taken.set(family, this.#seen);
  }

  /** That transaction failed. */
  failed(family: Family): void {
    this.#taken.delete(family);
  }

  /** That transaction is in force. */
  synced(family: Family): void {
    this.#done.set(family, this.#taken.get(family) ?? this.#done.get(family) ?? 0);
    this.#taken.delete(family);
  }
}
