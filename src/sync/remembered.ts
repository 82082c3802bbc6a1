/**
 * A bounded set of keys, in groups. When it is full, the group with the most keys forgets its oldest, so that a group with
 * many keys does not push out the keys of others.
 */
export class Remembered {
  readonly #most: number;
  /** Group → its keys, the oldest first. */
  readonly #groups = new Map<string, Set<string>>();
  #size = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Adds a key. Returns false if it is known. */
  add(group: string, key: string): boolean {
    if (this.#groups.get(group)?.has(key)) return false;
    if (this.#size >= this.#most) this.#forgetOne();
    const keys = this.#groups.get(group);
    if (keys === undefined) this.#groups.set(group, new Set([key]));
    else keys.add(key);
    this.#size++;
    return true;
  }

  #forgetOne(): void {
    let largest: [group: string, keys: Set<string>] | undefined;
    for (const entry of this.#groups) {
      if (largest === undefined || entry[1].size > largest[1].size) largest = entry;
    }
    if (largest === undefined) return;
    const [group, keys] = largest;
    const [oldest] = keys;
    if (oldest !== undefined && keys.delete(oldest)) this.#size--;
    if (keys.size === 0) this.#groups.delete(group);
  }
}
