import type { Family } from '../../src/ip.ts';
import { TABLE_NAMES, type TableName } from '../../src/nft/tables.ts';
import type { World } from '../netns/world.ts';

/** A chain of a listing, base chains with their hook. */
interface ListedChain {
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
}

interface ListedRule {
  readonly chain: string;
  readonly handle: number;
  readonly text: string;
}

/** An element as libnftables' JSON has it: a key, or a pair of key and value. */
export interface ListedElement {
  readonly setOrMap: string;
  readonly isMap: boolean;
  readonly json: unknown;
  readonly text: string;
}

/** What a table of ours holds, but for the clients that packets enter into sets. */
export interface ListedTable {
  readonly family: Family;
  readonly name: string;
  readonly chains: readonly ListedChain[];
  readonly rules: readonly ListedRule[];
  readonly elements: readonly ListedElement[];
}

interface Listing {
  readonly nftables: readonly {
    readonly chain?: ListedChain & { readonly table: string };
    readonly rule?: { readonly chain: string; readonly handle: number };
    readonly set?: ListedSet;
    readonly map?: ListedSet;
  }[];
}

interface ListedSet {
  readonly name: string;
  readonly flags?: readonly string[];
  readonly elem?: readonly unknown[];
}

/** Of hundreds of thousands of elements, on a busy machine. */
const LISTING = { allowFailure: true, timeoutMs: 120_000 };

/** The name of our table that packets go through, or undefined if there is none. */
export async function liveTable(world: World, family: Family): Promise<TableName | undefined> {
  const { stdout } = await world.exec('node', ['nft', '-j', 'list', 'chains', family], LISTING);
  if (stdout === '') return undefined;
  const { nftables }: Listing = JSON.parse(stdout);
  const live = nftables.flatMap(({ chain }) => (chain?.hook === undefined ? [] : [chain.table]));
  return TABLE_NAMES.find((name) => live.includes(name));
}

/** Lists the table that packets go through, or undefined if there is none. */
export async function listTable(world: World, family: Family): Promise<ListedTable | undefined> {
  const name = await liveTable(world, family);
  if (name === undefined) return undefined;
  const { stdout } = await world.exec('node', ['nft', '-j', 'list', 'table', family, name], LISTING);
  if (stdout === '') return undefined;
  const { nftables }: Listing = JSON.parse(stdout);
  return {
    family,
    name,
    chains: nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain])),
    rules: nftables.flatMap(({ rule }) => (rule === undefined ? [] : [{ ...rule, text: textOf(rule) }])),
    elements: nftables.flatMap(({ set, map }) => {
      const setOrMap = map ?? set;
      // Packets enter clients with session affinity: those have sets of their own.
      if (setOrMap === undefined || setOrMap.flags?.includes('dynamic') || setOrMap.flags?.includes('timeout'))
        return [];
      return (setOrMap.elem ?? []).map((json) => ({
        setOrMap: setOrMap.name,
        isMap: map !== undefined,
        json,
        text: textOf(json),
      }));
    }),
  };
}

/** Two objects are the same if their texts are: without handles, places and counts. */
function textOf(object: unknown): string {
  return JSON.stringify(object, (key, value) =>
    key === 'handle' || key === 'table' || key === 'packets' || key === 'bytes' ? undefined : value,
  );
}
