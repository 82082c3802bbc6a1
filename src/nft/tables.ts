import type { Family } from '../ip.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { isAffinitySet, setElement } from '../ruleset/program/affinity.ts';
import { foundLimit } from '../ruleset/program/limits.ts';
import { foundLaterSet } from '../ruleset/program/node-port-ranges.ts';
import { foundChain } from '../ruleset/program/objects.ts';
import { MARKER_PREFIX, type Program } from '../ruleset/program/program.ts';
import type { Nft } from './nft.ts';
import { createTableReader, type TableContents } from './table-reader.ts';

/**
 * The names that our table can have. One table is live. Under the other name, a new version of the program is staged, until
 * one transaction adds its hooks and deletes the old table. nft cannot rename a table.
 */
export const TABLE_NAMES = ['kube-proxy-nft', 'kube-proxy-nft-b'] as const;

export type TableName = (typeof TABLE_NAMES)[number];

/** One of our tables, as found in the kernel. */
export interface FoundTable {
  readonly name: TableName;
  /** The name of the marker chain, which identifies the table's program. Empty if there is none. */
  readonly marker: string;
  /** Its base chains as "name type hook priority", sorted; empty while the table is staged. */
  readonly baseChains: readonly string[];
}

interface ListedChain {
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
}

/**
 * Our tables of a family. It reads only chains, whose cost does not depend on the tables' content (for `list tables`, nft
 * 1.0.6 reads every element).
 */
export async function findTables(nft: Nft, family: Family): Promise<readonly FoundTable[]> {
  const listed = await nft.list('chains', family);
  const chains = listed.flatMap((object) => (isChain(object) ? [object.chain] : []));
  return TABLE_NAMES.flatMap((name) => {
    const own = chains.filter((chain) => chain.table === name);
    if (own.length === 0) return [];
    return [
      {
        name,
        marker: own.find((chain) => chain.name.startsWith(MARKER_PREFIX))?.name ?? '',
        baseChains: own.flatMap((chain) =>
          chain.hook === undefined ? [] : [`${chain.name} ${chain.type} ${chain.hook} ${chain.prio}`],
        ),
      },
    ];
  });
}

/** True if packets go through the table and it contains exactly this program. */
export function isLive(table: FoundTable, program: Program): boolean {
  const wanted = program.chains.flatMap(({ name, hook }) =>
    hook === undefined ? [] : [`${name} ${hook.type} ${hook.hook} ${hook.priority}`],
  );
  return table.marker === program.marker && table.baseChains.toSorted().join() === wanted.toSorted().join();
}

/**
 * Reads a whole table, in one listing, while nft prints it. It uses the text form: for JSON, nft takes twice the memory and
 * a third more CPU time. Reading parts would not be cheaper: nft 1.0.6 reads every element even to list rules, and most
 * elements are in one map.
 * @throws NftError, also (refused) for an element that this program cannot have written
 */
export async function readTable(nft: Nft, program: Program, table: TableName): Promise<TableContents> {
  const reader = createTableReader(program);
  await nft.listText(reader.line, 'table', program.family, table);
  return reader.end();
}

/** What the model has to know about a table: its elements, and the chains and sets that are not part of the program. */
export function foundElements({ chains, sets, elements }: TableContents): readonly Element[] {
  return [
    ...elements,
    ...[...chains].flatMap(([name, { rules }]) => foundChain(name, rules) ?? []),
    ...sets.filter(isAffinitySet).map(setElement),
    ...sets.flatMap((name) => foundLaterSet(name) ?? foundLimit(name) ?? []),
  ];
}

/** The command that adds a table. It does nothing if the table exists. */
export function addTableCommand(family: Family, name: TableName): string {
  return JSON.stringify({ add: { table: { family, name } } });
}

/** The command that deletes a table with its content. */
export function deleteTableCommand(family: Family, name: TableName): string {
  return JSON.stringify({ delete: { table: { family, name } } });
}

function isChain(object: unknown): object is { chain: ListedChain } {
  return typeof object === 'object' && object !== null && 'chain' in object;
}
