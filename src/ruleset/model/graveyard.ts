import { type Entry, REMAINS } from './entry.ts';

/**
 * What nobody wants any more and still waits to be deleted, since a packet may be on its way to it (see hops.ts), or
 * since so much goes at once that it takes several transactions. The one place that says when.
 */
export class Graveyard {
  /** Number of the transaction that is being put together. It stands still while more is due than one can take. */
  #now = 1;
  /** Number of a transaction → what is due with it, in the order in which it can be deleted. */
  readonly #due = new Map<number, Set<Entry>>();

  /** True while nothing waits. */
  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  /** Deletes an element so many transactions later; 0: with the next one taken. One that waits already goes when it was to go. */
  bury(element: Entry, hops: number): void {
    if (element.goesWith !== REMAINS) return;
    element.goesWith = this.#now + hops;
    const due = this.#due.get(element.goesWith);
    if (due === undefined) this.#due.set(element.goesWith, new Set([element]));
    else due.add(element);
  }

  /** Somebody wants an element again. */
  digUp(element: Entry): void {
    if (element.goesWith === REMAINS) return;
    const moment = element.goesWith;
    element.goesWith = REMAINS;
    const due = this.#due.get(moment);
    due?.delete(element);
    if (due?.size === 0) this.#due.delete(moment);
  }

  /**
   * What goes with the transaction that is put together, of about `room` weight at most; what was due first comes first.
   * What is left goes with the next, and all that is to go later waits for so much longer.
   */
  take(room: number, weightOf: (element: Entry) => number): readonly Entry[] {
    const taken: Entry[] = [];
    let weight = 0;
    for (const moment of [...this.#due.keys()].filter((due) => due <= this.#now).sort((a, b) => a - b)) {
      const due = this.#due.get(moment) ?? new Set();
      for (const element of due) {
        if (weight >= room) return taken;
        weight += weightOf(element);
        taken.push(element);
        due.delete(element);
      }
      this.#due.delete(moment);
    }
    this.#now++;
    return taken;
  }
}
