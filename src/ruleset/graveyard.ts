import { type HeldElement, REMAINS } from './held-element.ts';

/**
 * What nobody wants any more and still waits to be deleted, since a packet may be on its way to it (see hops.ts).
 * The one place that says when.
 */
export class Graveyard {
  readonly #waiting = new Set<HeldElement>();

  /** True while nothing waits. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Deletes an element with the transaction of this number. One that waits already goes when it was to go. */
  bury(element: HeldElement, transaction: number): void {
    if (this.#waiting.has(element)) return;
    element.goesWith = transaction;
    this.#waiting.add(element);
  }

  /** Somebody wants an element again. */
  digUp(element: HeldElement): void {
    if (element.goesWith === REMAINS) return;
    element.goesWith = REMAINS;
    this.#waiting.delete(element);
  }

  /** Whatever is to go with the transaction of this number or an earlier one. It waits no longer. */
  take(transaction: number): readonly HeldElement[] {
    const due = [...this.#waiting].filter(({ goesWith }) => goesWith <= transaction);
    for (const element of due) this.#waiting.delete(element);
    return due;
  }
}
