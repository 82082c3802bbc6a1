/** The period for counting. */
const PERIOD_MS = 3_600_000;

/** One namespace gets one part of so many of what the others have left. */
const PARTS = 4;

/**
 * What a report gets: a place; the last place of the hour; none, although others would still get one, for the first time
 * in this hour; or none.
 */
type Place = 'given' | 'last' | 'share-ended' | 'none';

/** What a namespace has used in this hour. */
interface Used {
  places: number;
  hasEnded: boolean;
}

/**
 * Room for a number of reports an hour. One namespace gets at most a quarter of what all others have left of it, but at least
 * one place as long as there is any: with a room of 100, a first one gets 25, a second one 19, a third one 14. It takes many
 * namespaces to use up what is for the next one.
 */
export class HourlyRoom {
  readonly #size: number;
  readonly #now: () => number;
  #began = Number.NEGATIVE_INFINITY;
  #taken = 0;
  /** Namespace → what it has used. It has an entry only after it got a place, so there are at most #size of them. */
  readonly #used = new Map<string, Used>();

  /** `now`: milliseconds from any origin. */
  constructor(size: number, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  /** Takes a place for a report about a namespace; undefined for one that belongs to none, which only the total limits. */
  take(namespace: string | undefined): Place {
    this.#beginHour();
    const rest = this.#size - this.#taken;
    if (rest <= 0) return 'none';
    if (namespace !== undefined && !this.#takeShare(namespace, rest)) return this.#refuse(namespace);
    this.#taken++;
    return rest === 1 ? 'last' : 'given';
  }

  /** How many places a namespace has had in this hour. */
  usedBy(namespace: string): number {
    return this.#used.get(namespace)?.places ?? 0;
  }

  #takeShare(namespace: string, rest: number): boolean {
    const used = this.#used.get(namespace) ?? { places: 0, hasEnded: false };
    if (used.places >= Math.ceil((rest + used.places) / PARTS)) return false;
    used.places++;
    this.#used.set(namespace, used);
    return true;
  }

  #refuse(namespace: string): Place {
    const used = this.#used.get(namespace);
    if (used === undefined || used.hasEnded) return 'none';
    used.hasEnded = true;
    return 'share-ended';
  }

  #beginHour(): void {
    const now = this.#now();
    if (now - this.#began < PERIOD_MS) return;
    this.#began = now;
    this.#taken = 0;
    this.#used.clear();
  }
}
