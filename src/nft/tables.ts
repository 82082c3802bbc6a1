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
 * The names our table can have. One is live; the other is where a new version of the program is staged before one
 * transaction hooks it and deletes the old, since nft cannot rename a table.
 */
export const TABLE_NAMES = ['kube-proxy-nft', 'kube-proxy-nft-b'] as const;

export type TableName = (typeof TABLE_NAMES)[number];

/** One of our tables as found in the kernel. */
export interface FoundTable {
  readonly name: TableName;
  /** The marker chain's name: which program the table holds. Empty if there is none. */
  readonly marker: string;
  /** Its base chains as "name type hook priority", sorted; empty while it is staged. */
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
 * Our tables of a family. Reads chains only, which costs the same whatever the tables hold (`list tables` makes
 * nft 1.0.6 read every element).
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

/** True if packets go through the table and it holds just this program. */
export function isLive(table: FoundTable, program: Program): boolean {
  const wanted = program.chains.flatMap(({ name, hook }) =>
    hook === undefined ? [] : [`${name} ${hook.type} ${hook.hook} ${hook.priority}`],
  );
  return table.marker === program.marker && table.baseChains.toSorted().join() === wanted.toSorted().join();
}

/**
 * All of a table, in one listing and while nft prints it. As text: as JSON nft takes twice the memory and a third more
 * CPU time. Nor would parts be cheaper: nft 1.0.6 reads every element even for a listing of rules, and most elements are in
 * one map.
 * @throws NftError, also (refused) for an element that this program cannot have written
 */
export async function readTable(nft: Nft, program: Program, table: TableName): Promise<TableContents> {
  const reader = createTableReader(program);
  await nft.listText(reader.line, 'table', program.family, table);
  return reader.end();
}

/** What the model is to know of a table: its elements, and the chains and sets that are not of the program. */
export function foundElements({ chains, sets, elements }: TableContents): readonly Element[] {
  return [
    ...elements,
    ...[...chains].flatMap(([name, { rules }]) => foundChain(name, rules) ?? []),
    ...sets.filter(isAffinitySet).map(setElement),
    ...sets.flatMap((name) => foundLaterSet(name) ?? foundLimit(name) ?? []),
  ];
}

/** The command that adds a table, or does nothing if it is there. */
export function addTableCommand(family: Family, name: TableName): string {
  return JSON.stringify({ add: { table: { family, name } } });
}

/** The command that deletes a table with all it holds. */
export function deleteTableCommand(family: Family, name: TableName): string {
  return JSON.stringify({ delete: { table: { family, name } } });
}

function isChain(object: unknown): object is { chain: ListedChain } {
  return typeof object === 'object' && object !== null && 'chain' in object;
}
