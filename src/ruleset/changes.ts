import type { Element } from './element.ts';
import { GONE, type HeldElement } from './held-element.ts';
import type { Transaction } from './transaction.ts';
import { weightOf } from './weight.ts';

/** What an element was before it was touched; undefined if the kernel did not have it. */
type Before = Pick<Element, 'value' | 'comment'> | undefined;

/** What changed since the last transaction. */
export class Changes {
  #touched = new Map<HeldElement, Before>();
  #weight = 0;

  get isEmpty(): boolean {
    return this.#touched.size === 0;
  }

  /** What the transaction will cost nft, at most (see weight.ts). */
  get weight(): number {
    return this.#weight;
  }

  /** The value that the kernel holds for an element; undefined if it does not have it. */
  valueInKernel(element: HeldElement): string | undefined {
    const before = this.#touched.has(element) ? this.#touched.get(element) : element;
    return before?.value;
  }

  /** Notes an element that is not in the kernel. */
  appears(element: HeldElement): void {
    if (!this.#touched.has(element)) this.#touch(element, undefined, weightOf(element));
  }

  /** Notes an element that is about to change or to go. */
  changes(element: HeldElement, weight = weightOf(element)): void {
    const { value, comment, refused } = element;
    if (!this.#touched.has(element)) this.#touch(element, refused ? undefined : { value, comment }, weight);
    delete element.refused;
  }

  /** The changes as one transaction: what differs from what the kernel has. Begins anew. */
  take(): Transaction {
    const deletes: Element[] = [];
    const adds: Element[] = [];
    for (const [element, before] of this.#touched) {
      const isThere = element.goesWith !== GONE;
      const isSame = before?.value === element.value && before.comment === element.comment;
      if (isThere && isSame) continue;
      if (before !== undefined) deletes.push(element);
      if (isThere) adds.push(element);
    }
    this.#touched = new Map();
    this.#weight = 0;
    return { deletes, adds };
  }

  #touch(element: HeldElement, before: Before, weight: number): void {
    this.#touched.set(element, before);
    this.#weight += weight;
  }
}
