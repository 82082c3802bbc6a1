import { type Entry, REMAINS } from './entry.ts';

/**
 * Elements that nobody wants any more, and that wait to be deleted: a packet may still be on its way to them (see hops.ts),
 * or deleting them takes several transactions. Only this decides when.
 */
export class Graveyard {
  /**
   * The number of the transaction that is being prepared. It does not advance while more is due than one transaction can
   * take.
   */
  #now = 1;
  /** Number of a transaction → what is due with it, in the order in which it can be deleted. */
  readonly #due = new Map<number, Set<Entry>>();

  /** True while nothing waits. */
  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  /**
   * Deletes an element `hops` transactions later; 0: with the next one taken. An element that is already waiting keeps its
   * date.
   */
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
   * What goes with the transaction being prepared, of at most about `room` weight. What was due first comes first. The rest
   * goes with the next transaction, and everything later is delayed by as much.
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
