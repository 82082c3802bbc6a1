/** Slots of a frontend to draw from: their keys without the slot's number. */
interface Drawn {
  readonly before: string;
  readonly slots: number;
  readonly after: string;
}

/** What a trace looked up in a set or map. */
interface LookedUp {
  readonly keys: Set<string>;
  readonly draws: Drawn[];
  /** The beginnings of the keys in a set of intervals; empty: all keys. */
  readonly beginnings: Set<string>;
}

/** What in a table decides about a packet: the chains that it enters, and what it looks up, whether that exists or not. */
export class Way {
  readonly #chains = new Set<string>();
  readonly #lookedUp = new Map<string, LookedUp>();

  get chains(): ReadonlySet<string> {
    return this.#chains;
  }

  /** True if something is looked up in a set or map. */
  looksUpIn(setOrMap: string): boolean {
    return this.#lookedUp.has(setOrMap);
  }

  enters(chain: string): void {
    this.#chains.add(chain);
  }

  looksUp(setOrMap: string, key: string): void {
    this.#of(setOrMap).keys.add(key);
  }

  draws(setOrMap: string, before: string, slots: number, after: string): void {
    this.#of(setOrMap).draws.push({ before, slots, after });
  }

  looksUpAll(setOrMap: string, beginning: string): void {
    this.#of(setOrMap).beginnings.add(beginning);
  }

  /** All of several ways. */
  static of(ways: readonly Way[]): Way {
    const all = new Way();
    for (const way of ways) {
      for (const chain of way.#chains) all.enters(chain);
      for (const [setOrMap, { keys, draws, beginnings }] of way.#lookedUp) {
        const lookedUp = all.#of(setOrMap);
        for (const key of keys) lookedUp.keys.add(key);
        lookedUp.draws.push(...draws);
        for (const beginning of beginnings) lookedUp.beginnings.add(beginning);
      }
    }
    return all;
  }

  /** True if an element with this key is on the way, or would be if it existed. */
  concerns(setOrMap: string, key: string): boolean {
    const lookedUp = this.#lookedUp.get(setOrMap);
    if (lookedUp === undefined) return false;
    if (lookedUp.keys.has(key)) return true;
    for (const beginning of lookedUp.beginnings) if (key.startsWith(beginning)) return true;
    return lookedUp.draws.some(
      ({ before, slots, after }) =>
        key.startsWith(before) &&
        key.endsWith(after) &&
        Number(key.slice(before.length, key.length - after.length)) < slots,
    );
  }

  /** The keys that are looked up individually. */
  *keysOf(setOrMap: string): Iterable<string> {
    const lookedUp = this.#lookedUp.get(setOrMap);
    if (lookedUp === undefined) return;
    yield* lookedUp.keys;
    for (const { before, slots, after } of lookedUp.draws) {
      for (let slot = 0; slot < slots; slot++) yield `${before}${slot}${after}`;
    }
  }

  /** True if something is looked up in a set of intervals, whose elements cannot be found by key. */
  looksUpIntervals(setOrMap: string): boolean {
    return (this.#lookedUp.get(setOrMap)?.beginnings.size ?? 0) > 0;
  }

  #of(setOrMap: string): LookedUp {
    const lookedUp = this.#lookedUp.get(setOrMap) ?? { keys: new Set(), draws: [], beginnings: new Set() };
    this.#lookedUp.set(setOrMap, lookedUp);
    return lookedUp;
  }
}
