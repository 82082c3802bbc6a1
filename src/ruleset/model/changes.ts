import type { Element } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { type Entry, GONE } from './entry.ts';
import type { Transaction } from './transaction.ts';
import { weightOf } from './weight.ts';

/** An element before it was touched; undefined if the kernel did not have it. */
export type Before = Pick<Element, 'value' | 'comment'> | undefined;

/** What the model believed the kernel to hold of an element, and what it really holds. */
export interface Learnt {
  readonly setOrMap: SetOrMap;
  readonly key: string;
  readonly expected: Before;
  readonly found: Before;
}

/** What changed since the last transaction. */
export class Changes {
  #touched = new Map<Entry, Before>();
  #weight = 0;

  get isEmpty(): boolean {
    return this.#touched.size === 0;
  }

  /** The maximum cost of the transaction for nft (see weight.ts). */
  get weight(): number {
    return this.#weight;
  }

  /** An element in the kernel; undefined if the kernel does not have it. */
  inKernel(element: Entry): Before {
    return this.#touched.has(element) ? this.#touched.get(element) : element;
  }

  /** The touched elements of a set or map, by key, as the kernel holds them. */
  of(setOrMap: SetOrMap): ReadonlyMap<string, Before> {
    const touched = new Map<string, Before>();
    for (const [element, before] of this.#touched) {
      // An element that is gone for good and its replacement may have the same key.
      if (element.setOrMap === setOrMap) touched.set(element.key, touched.get(element.key) ?? before);
    }
    return touched;
  }

  /** Notes what the kernel was found to hold of an element. */
  corrects(element: Entry, found: Before): void {
    if (!this.#touched.has(element)) this.#weight += weightOf(element);
    this.#touched.set(element, found);
    delete element.refused;
  }

  /** The same for all touched elements of a set or map. Returns those whose state was unexpected. */
  learn(setOrMap: SetOrMap, found: ReadonlyMap<string, Element>): readonly Learnt[] {
    const known = this.of(setOrMap);
    const learnt: Learnt[] = [];
    const done = new Set<string>();
    for (const element of [...this.#touched.keys()]) {
      const { key } = element;
      if (element.setOrMap !== setOrMap) continue;
      // The element that is gone for good comes before its replacement.
      this.corrects(element, done.has(key) ? undefined : found.get(key));
      if (done.has(key)) continue;
      done.add(key);
      const [expected, there] = [known.get(key), found.get(key)];
      const isSame = expected?.value === there?.value && expected?.comment === there?.comment;
      if (!isSame) learnt.push({ setOrMap, key, expected, found: there });
    }
    return learnt;
  }

  /** Notes an element that is not in the kernel. */
  appears(element: Entry): void {
    if (!this.#touched.has(element)) this.#touch(element, undefined, weightOf(element));
  }

  /** Notes an element that is about to change or to be deleted. */
  changes(element: Entry, weight = weightOf(element)): void {
    const { value, comment, refused } = element;
    if (!this.#touched.has(element)) this.#touch(element, refused ? undefined : { value, comment }, weight);
    delete element.refused;
  }

  /**
   * The changes as a transaction: the differences to the kernel. `isChosen`: which of them; the others wait. It also returns
   * a function that takes the transaction back, in case the kernel does not accept it.
   */
  take(isChosen?: (element: Entry) => boolean): Transaction & { readonly undo: () => void } {
    const deletes: Element[] = [];
    const adds: Element[] = [];
    const taken = isChosen === undefined ? this.#touched : new Map<Entry, Before>();
    const rest = new Map<Entry, Before>();
    for (const [element, before] of this.#touched) {
      if (isChosen !== undefined) {
        const isIn = isChosen(element);
        (isIn ? taken : rest).set(element, before);
        if (!isIn) continue;
      }
      const isThere = element.goesWith !== GONE;
      const isSame = before?.value === element.value && before.comment === element.comment;
      if (isThere && isSame) continue;
      if (before !== undefined) deletes.push(element);
      if (isThere) adds.push(element);
    }
    this.#touched = rest;
    this.#weight = 0;
    const undo = () => {
      for (const [element, before] of taken) this.#touched.set(element, before);
    };
    return { deletes, adds, undo };
  }

  #touch(element: Entry, before: Before, weight: number): void {
    this.#touched.set(element, before);
    this.#weight += weight;
  }
}
