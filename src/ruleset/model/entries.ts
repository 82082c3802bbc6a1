import { eachInSteps, type Steps } from '../../service/steps.ts';
import type { Element } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { type Entry, unreferenced } from './entry.ts';

/** All elements of the model, and which of them an owner (a Service, or a setting) wants. */
export class Entries {
  readonly #byKey: ReadonlyMap<SetOrMap, Map<string, Entry>>;
  readonly #owned = new Map<string, readonly Entry[]>();
  /** Intervals by the beginning of their keys: frontend → its source ranges. */
  readonly #intervals = new Map<string, Set<Entry>>();

  constructor(setsAndMaps: readonly SetOrMap[]) {
    this.#byKey = new Map(setsAndMaps.map((setOrMap) => [setOrMap, new Map<string, Entry>()]));
  }

  find(setOrMap: SetOrMap, key: string): Entry | undefined {
    return this.#byKey.get(setOrMap)?.get(key);
  }

  /** The elements of a set or map, in no particular order. */
  of(setOrMap: SetOrMap): ReadonlyMap<string, Entry> {
    return this.#byKey.get(setOrMap) ?? NONE;
  }

  *all(): Iterable<Entry> {
    for (const elements of this.#byKey.values()) yield* elements.values();
  }

  get size(): number {
    return [...this.#byKey.values()].reduce((sum, elements) => sum + elements.size, 0);
  }

  /** Adds an element that does not exist. */
  add(element: Element): Entry {
    const held = unreferenced(element);
    this.#byKey.get(element.setOrMap)?.set(element.key, held);
    if (!isOneOfIntervals(held)) return held;
    const prefix = prefixOf(held);
    this.#intervals.set(prefix, (this.#intervals.get(prefix) ?? new Set()).add(held));
    return held;
  }

  remove(element: Entry): void {
    this.#byKey.get(element.setOrMap)?.delete(element.key);
    if (!isOneOfIntervals(element)) return;
    const prefix = prefixOf(element);
    const rest = this.#intervals.get(prefix);
    rest?.delete(element);
    if (rest?.size === 0) this.#intervals.delete(prefix);
  }

  /** An owner no longer wants anything. Returns what it wanted. */
  release(owner: string): readonly Entry[] {
    const owned = this.#owned.get(owner) ?? [];
    this.#owned.delete(owner);
    for (const element of owned) element.references--;
    return owned;
  }

  /** What an owner wants. */
  ownedBy(owner: string): readonly Entry[] {
    return this.#owned.get(owner) ?? [];
  }

  /** An owner, which has released what it wanted before, wants these elements. */
  claim(owner: string, elements: readonly Entry[]): void {
    for (const element of elements) element.references++;
    if (elements.length > 0) this.#owned.set(owner, elements);
  }

  /**
   * The intervals that belong to the same frontends as the given elements, but are not among them: a frontend's earlier
   * source ranges.
   */
  *intervalsBeside(elements: readonly Element[]): Steps<readonly Entry[]> {
    const keys = new Set<string>();
    const prefixes = new Set<string>();
    yield* eachInSteps(elements, (element) => {
      if (!isOneOfIntervals(element)) return;
      keys.add(element.key);
      prefixes.add(prefixOf(element));
    });
    const beside: Entry[] = [];
    for (const prefix of prefixes) {
      yield* eachInSteps(this.#intervals.get(prefix) ?? [], (held) => {
        if (!keys.has(held.key)) beside.push(held);
      });
    }
    return beside;
  }
}

const NONE: ReadonlyMap<string, Entry> = new Map();

/** True for an interval that has others beside it: a source range of a frontend. */
function isOneOfIntervals({ setOrMap }: Element): boolean {
  return setOrMap.interval === true && setOrMap.key.length > 1;
}

/** The beginning that an interval shares with the others of its frontend: "10.96.0.12 . tcp . 80 .". */
function prefixOf({ key }: Element): string {
  return key.slice(0, key.lastIndexOf(' '));
}
