import { eachInSteps, type Steps } from '../../service/steps.ts';
import type { Element } from '../elements/element.ts';
import type { Container } from '../elements/set-or-map.ts';
import { type HeldElement, unclaimed } from './held-element.ts';

/** All elements of the model, and which of them an owner (a Service, or a setting) wants. */
export class Entries {
  readonly #byKey: ReadonlyMap<Container, Map<string, HeldElement>>;
  readonly #owned = new Map<string, readonly HeldElement[]>();
  /** Intervals by what comes before them in their keys: frontend → its source ranges. */
  readonly #intervals = new Map<string, Set<HeldElement>>();

  constructor(containers: readonly Container[]) {
    this.#byKey = new Map(containers.map((container) => [container, new Map<string, HeldElement>()]));
  }

  find(container: Container, key: string): HeldElement | undefined {
    return this.#byKey.get(container)?.get(key);
  }

  /** The elements of a container, in no particular order. */
  of(container: Container): ReadonlyMap<string, HeldElement> {
    return this.#byKey.get(container) ?? NONE;
  }

  *all(): Iterable<HeldElement> {
    for (const elements of this.#byKey.values()) yield* elements.values();
  }

  get size(): number {
    return [...this.#byKey.values()].reduce((sum, elements) => sum + elements.size, 0);
  }

  /** Takes in an element that is not there. */
  add(element: Element): HeldElement {
    const held = unclaimed(element);
    this.#byKey.get(element.container)?.set(element.key, held);
    if (!isOneOfIntervals(held)) return held;
    const prefix = prefixOf(held);
    this.#intervals.set(prefix, (this.#intervals.get(prefix) ?? new Set()).add(held));
    return held;
  }

  remove(element: HeldElement): void {
    this.#byKey.get(element.container)?.delete(element.key);
    if (!isOneOfIntervals(element)) return;
    const prefix = prefixOf(element);
    const rest = this.#intervals.get(prefix);
    rest?.delete(element);
    if (rest?.size === 0) this.#intervals.delete(prefix);
  }

  /** An owner wants nothing any more; returns what it wanted. */
  release(owner: string): readonly HeldElement[] {
    const owned = this.#owned.get(owner) ?? [];
    this.#owned.delete(owner);
    for (const element of owned) element.claims--;
    return owned;
  }

  /** What an owner wants. */
  ownedBy(owner: string): readonly HeldElement[] {
    return this.#owned.get(owner) ?? [];
  }

  /** An owner, which has released what it wanted before, wants these. */
  claim(owner: string, elements: readonly HeldElement[]): void {
    for (const element of elements) element.claims++;
    if (elements.length > 0) this.#owned.set(owner, elements);
  }

  /** The intervals that stand beside those among the elements given and are none of them: a frontend's source ranges of before. */
  *intervalsBeside(elements: readonly Element[]): Steps<readonly HeldElement[]> {
    const keys = new Set<string>();
    const prefixes = new Set<string>();
    yield* eachInSteps(elements, (element) => {
      if (!isOneOfIntervals(element)) return;
      keys.add(element.key);
      prefixes.add(prefixOf(element));
    });
    const beside: HeldElement[] = [];
    for (const prefix of prefixes) {
      yield* eachInSteps(this.#intervals.get(prefix) ?? [], (held) => {
        if (!keys.has(held.key)) beside.push(held);
      });
    }
    return beside;
  }
}

const NONE: ReadonlyMap<string, HeldElement> = new Map();

/** True for an interval among others of its kind: a source range of a frontend. */
function isOneOfIntervals({ container }: Element): boolean {
  return container.interval === true && container.key.length > 1;
}

/** What an interval shares with the others of its frontend: "10.96.0.12 . tcp . 80 .". */
function prefixOf({ key }: Element): string {
  return key.slice(0, key.lastIndexOf(' '));
}
