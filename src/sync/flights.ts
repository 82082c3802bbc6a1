import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Transaction } from '../ruleset/model/transaction.ts';
import type { Commits } from './commits.ts';

/** What our own transactions may have changed while something was read. */
export interface Recording {
  /** True if a transaction in flight during that time contains the element (or the chain, see chain-element.ts). */
  touches(setOrMap: SetOrMap, key: string): boolean;
  /** Ends the recording; to be called once. */
  stop(): void;
}

/** Our own transactions of a family that are on their way to the kernel, for those who read the kernel at the same time. */
export class Flights {
  readonly #inFlight = new Set<Transaction>();
  readonly #recordings = new Set<Transaction[]>();
  readonly #changes = new Map<SetOrMap, number>();
  readonly #listeners = new Map<SetOrMap, (key: string) => void>();
  readonly #commits: Commits;

  /** `commits`: shared by the families. */
  constructor(commits: Commits) {
    this.#commits = commits;
  }

  /** Notes a transaction until `sent` resolves or rejects. `sent` is called once commits are not held back. */
  async during(transaction: Transaction, sent: () => Promise<void>): Promise<void> {
    this.#inFlight.add(transaction);
    for (const recording of this.#recordings) recording.push(transaction);
    this.#count(transaction);
    try {
      await this.#commits.during(sent);
    } finally {
      this.#inFlight.delete(transaction);
      this.#count(transaction);
    }
  }

  /** A number that changes when a transaction that affects the set or map begins, and when it ends. */
  changesOf(setOrMap: SetOrMap): number {
    return this.#changes.get(setOrMap) ?? 0;
  }

  #count({ deletes, adds }: Transaction): void {
    const setsAndMaps = new Set([...deletes, ...adds].map(({ setOrMap }) => setOrMap));
    for (const setOrMap of setsAndMaps) this.#changes.set(setOrMap, this.changesOf(setOrMap) + 1);
    if (![...setsAndMaps].some((setOrMap) => this.#listeners.has(setOrMap))) return;
    for (const { setOrMap, key } of [...deletes, ...adds]) this.#listeners.get(setOrMap)?.(key);
  }

  /**
   * Calls back with the key of each element (or chain) of a set or map that a transaction changes, when it begins and when
   * it has ended.
   */
  onChange(setOrMap: SetOrMap, listener: (key: string) => void): void {
    this.#listeners.set(setOrMap, listener);
  }

  /** Notes what is in flight from now on. */
  record(): Recording {
    const recorded = [...this.#inFlight];
    this.#recordings.add(recorded);
    const touched = new Map<SetOrMap, Set<string>>();
    let known = 0;
    return {
      touches: (setOrMap, key) => {
        for (; known < recorded.length; known++) {
          const { deletes = [], adds = [] } = recorded[known] ?? {};
          for (const element of [...deletes, ...adds]) {
            const keys = touched.get(element.setOrMap) ?? new Set();
            touched.set(element.setOrMap, keys.add(element.key));
          }
        }
        return touched.get(setOrMap)?.has(key) ?? false;
      },
      stop: () => void this.#recordings.delete(recorded),
    };
  }
}
