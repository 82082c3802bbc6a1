/** Slots of a frontend to draw from: their keys without the slot's number. */
interface Drawn {
  readonly before: string;
  readonly slots: number;
  readonly after: string;
}

/** What a trace looked up in a set or map. */
interface Asked {
  readonly keys: Set<string>;
  readonly draws: Drawn[];
  /** The beginnings of the keys in a set of intervals; empty: all keys. */
  readonly beginnings: Set<string>;
}

/** What in a table decides about a packet: the chains that it enters, and what it looks up, whether that exists or not. */
export class Way {
  readonly #chains = new Set<string>();
  readonly #asked = new Map<string, Asked>();

  get chains(): ReadonlySet<string> {
    return this.#chains;
  }

  /** True if something is looked up in a set or map. */
  asks(setOrMap: string): boolean {
    return this.#asked.has(setOrMap);
  }

  enters(chain: string): void {
    this.#chains.add(chain);
  }

  asksFor(setOrMap: string, key: string): void {
    this.#of(setOrMap).keys.add(key);
  }

  draws(setOrMap: string, before: string, slots: number, after: string): void {
    this.#of(setOrMap).draws.push({ before, slots, after });
  }

  asksForAll(setOrMap: string, beginning: string): void {
    this.#of(setOrMap).beginnings.add(beginning);
  }

  /** All of several ways. */
  static of(ways: readonly Way[]): Way {
    const all = new Way();
    for (const way of ways) {
      for (const chain of way.#chains) all.enters(chain);
      for (const [setOrMap, { keys, draws, beginnings }] of way.#asked) {
        const asked = all.#of(setOrMap);
        for (const key of keys) asked.keys.add(key);
        asked.draws.push(...draws);
        for (const beginning of beginnings) asked.beginnings.add(beginning);
      }
    }
    return all;
  }

  /** True if an element with this key is on the way, or would be if it existed. */
  concerns(setOrMap: string, key: string): boolean {
    const asked = this.#asked.get(setOrMap);
    if (asked === undefined) return false;
    if (asked.keys.has(key)) return true;
    for (const beginning of asked.beginnings) if (key.startsWith(beginning)) return true;
    return asked.draws.some(
      ({ before, slots, after }) =>
        key.startsWith(before) &&
        key.endsWith(after) &&
        Number(key.slice(before.length, key.length - after.length)) < slots,
    );
  }

  /** The keys that are looked up individually. */
  *keysOf(setOrMap: string): Iterable<string> {
    const asked = this.#asked.get(setOrMap);
    if (asked === undefined) return;
    yield* asked.keys;
    for (const { before, slots, after } of asked.draws) {
      for (let slot = 0; slot < slots; slot++) yield `${before}${slot}${after}`;
    }
  }

  /** True if something is looked up in a set of intervals, whose elements cannot be found by key. */
  asksIntervals(setOrMap: string): boolean {
    return (this.#asked.get(setOrMap)?.beginnings.size ?? 0) > 0;
  }

  #of(setOrMap: string): Asked {
    const asked = this.#asked.get(setOrMap) ?? { keys: new Set(), draws: [], beginnings: new Set() };
    this.#asked.set(setOrMap, asked);
    return asked;
  }
}
