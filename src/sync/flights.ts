import type { Container } from '../ruleset/elements/set-or-map.ts';
import type { Transaction } from '../ruleset/model/transaction.ts';
import type { Commits } from './commits.ts';

/** What our own transactions may have changed while something was looked at. */
export interface Recording {
  /** True if one that was in flight meanwhile holds the element (or the chain, see chain-element.ts). */
  touches(container: Container, key: string): boolean;
  /** Ends it; to be called once. */
  stop(): void;
}

/** Our own transactions of a family on their way to the kernel, for those who read it at the same time. */
export class Flights {
  readonly #inFlight = new Set<Transaction>();
  readonly #recordings = new Set<Transaction[]>();
  readonly #changes = new Map<Container, number>();
  readonly #listeners = new Map<Container, (key: string) => void>();
  readonly #commits: Commits;

  /** `commits`: shared by the families. */
  constructor(commits: Commits) {
    this.#commits = commits;
  }

  /** Notes a transaction until `sent` resolves or rejects; that begins once commits are not held back. */
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

  /** Another number once a transaction that changes the container has begun, and once it has ended. */
  changesOf(container: Container): number {
    return this.#changes.get(container) ?? 0;
  }

  #count({ deletes, adds }: Transaction): void {
    const containers = new Set([...deletes, ...adds].map(({ container }) => container));
    for (const container of containers) this.#changes.set(container, this.changesOf(container) + 1);
    if (![...containers].some((container) => this.#listeners.has(container))) return;
    for (const { container, key } of [...deletes, ...adds]) this.#listeners.get(container)?.(key);
  }

  /**
   * Calls back with the key of each element (or chain) of a container that a transaction changes, when that begins and when
   * it has ended.
   */
  onChange(container: Container, listener: (key: string) => void): void {
    this.#listeners.set(container, listener);
  }

  /** From now on notes what is in flight. */
  record(): Recording {
    const recorded = [...this.#inFlight];
    this.#recordings.add(recorded);
    const touched = new Map<Container, Set<string>>();
    let known = 0;
    return {
      touches: (container, key) => {
        for (; known < recorded.length; known++) {
          const { deletes = [], adds = [] } = recorded[known] ?? {};
          for (const element of [...deletes, ...adds]) {
            const keys = touched.get(element.container) ?? new Set();
            touched.set(element.container, keys.add(element.key));
          }
        }
        return touched.get(container)?.has(key) ?? false;
      },
      stop: () => void this.#recordings.delete(recorded),
    };
  }
}
