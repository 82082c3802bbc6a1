import type { Nft } from './nft.ts';
import { chainsByTable } from './slow-transactions.ts';
import { TABLE_NAMES } from './tables.ts';

/** A table of another program, and how much it contains. */
export interface OtherTable {
  /** "ip filter"; controlled by others. */
  readonly table: string;
  readonly chains: number;
  /** Sets and maps. */
  readonly sets: number;
  /** In all of them together; undefined if there are too many to count. */
  readonly elements: number | undefined;
}

/** Seconds that nft may take to list sets: some hundred thousand elements. */
const TIMEOUT = 10;

/** The tables of other programs, the one with the most chains first. It only reads. Throws NftError. */
export async function otherTables(nft: Nft): Promise<readonly OtherTable[]> {
  const chains = (await chainsByTable(nft)).filter(({ isOurs }) => !isOurs);
  const sets = new SetCounter();
  for (const kind of ['sets', 'maps']) {
    sets.begin();
    await nft.look(sets.line, ['list', kind], TIMEOUT).catch(() => sets.giveUp());
  }
  const names = new Set([...chains.map(({ table }) => table), ...sets.tables.keys()]);
  return [...names]
    .filter((table) => !TABLE_NAMES.some((name) => table.endsWith(` ${name}`)))
    .map((table) => ({
      table,
      chains: chains.find((one) => one.table === table)?.count ?? 0,
      sets: sets.tables.get(table)?.sets ?? 0,
      elements: sets.isComplete ? (sets.tables.get(table)?.elements ?? 0) : undefined,
    }))
    .toSorted((a, b) => b.chains - a.chains || b.sets - a.sets);
}

/** Counts sets and their elements in the output of `nft list sets`, line by line. */
class SetCounter {
  readonly tables = new Map<string, { sets: number; elements: number }>();
  #isComplete = true;
  #table = '';
  #inElements = false;

  /** A new listing begins. */
  begin(): void {
    this.#table = '';
    this.#inElements = false;
  }

  /** A listing broke off, so the counts are incomplete. */
  giveUp(): void {
    this.#isComplete = false;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  readonly line = (line: string): void => {
    const table = /^table (\S+ \S+) \{$/.exec(line)?.[1];
    if (table !== undefined) this.#table = table;
    const counts = this.tables.get(this.#table) ?? { sets: 0, elements: 0 };
    if (/^\t(?:set|map) \S+ \{$/.test(line)) {
      counts.sets++;
      this.tables.set(this.#table, counts);
    }
    // A comment of an element may contain anything.
    const plain = line.replace(/"[^"]*"/g, '');
    const begun = /^\t\telements = \{(.*)$/.exec(plain)?.[1];
    if (begun === undefined && !this.#inElements) return;
    if (begun !== undefined) counts.elements++;
    this.#inElements = true;
    const text = begun ?? plain;
    counts.elements += text.split(',').length - 1;
    if (text.trimEnd().endsWith('}')) this.#inElements = false;
  };
}
