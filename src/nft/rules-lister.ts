import type { Family } from '../ip.ts';
import type { Program } from '../ruleset/program/program.ts';
import type { Nft } from './nft.ts';
import { NftError } from './run.ts';
import { createTableReader, type TableContents } from './table-reader.ts';
import { TABLE_NAMES, type TableName } from './tables.ts';

/** The lines about our tables in a listing of all rules. */
export interface RulesListing {
  /** Milliseconds, on the caller's clock. */
  readonly began: number;
  /** Characters, including those of other tables: they determine its cost. */
  readonly size: number;
  /** "ip kube-proxy-nft" → its lines, with handles. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
}

/** Seconds. nft takes a tenth of one for other tables with 10,000 rules. */
const TIMEOUT = 20;

const HEAD = /^table (\S+) (\S+) \{/;

const CHAIN = /^\tchain (\S+) \{/;

/** What `nft -a` prints at the end of a line. A comment may contain the same words, but then a quotation mark follows. */
const HANDLE = / # handle (\d+)$/;

/**
 * Lists all rules of the network namespace without elements. This takes 6 ms of CPU time, regardless of the content of sets
 * and maps. nft 1.0.6 reads every element for `-t list table` and `list chain` (2.5 s with 100,000), but none for `-t list
 * ruleset`. Both families share one listing, because most of its cost is starting the process.
 */
export class RulesLister {
  #last: { readonly began: number; readonly listing: Promise<RulesListing> } | undefined;

  /**
   * A listing that began at `notBefore` or later. `now`: milliseconds of the same clock.
   * @throws NftError
   */
  list(nft: Nft, now: number, notBefore: number): Promise<RulesListing> {
    if (this.#last === undefined || this.#last.began < notBefore) this.#last = { began: now, listing: list(nft, now) };
    return this.#last.listing;
  }
}

async function list(nft: Nft, began: number): Promise<RulesListing> {
  const tables = new Map<string, string[]>();
  let lines: string[] | undefined;
  let size = 0;
  const onLine = (line: string) => {
    size += line.length + 1;
    if (lines === undefined) {
      const [, family, name = ''] = HEAD.exec(line) ?? [];
      if (!TABLE_NAMES.some((ours) => ours === name)) return;
      lines = [];
      tables.set(`${family} ${name}`, lines);
    }
    lines.push(line);
    if (line === '}') lines = undefined;
  };
  await nft.look(onLine, ['-t', '-a', 'list', 'ruleset'], TIMEOUT);
  return { began, size, tables };
}

/** Our tables of a family in a listing. */
export function tablesIn({ tables }: RulesListing, family: Family): readonly TableName[] {
  return TABLE_NAMES.filter((name) => tables.has(`${family} ${name}`));
}

/**
 * A table of a listing.
 * @throws NftError (not-found) if it does not exist
 */
export function tableIn({ tables }: RulesListing, program: Program, table: TableName): TableContents {
  const lines = tables.get(`${program.family} ${table}`);
  if (lines === undefined) throw new NftError('not-found', `nft lists no table ${program.family} ${table}`);
  const reader = createTableReader(program);
  for (const line of lines) reader.line(line.replace(HANDLE, ''));
  return reader.end();
}

/** Chain → the handles of its rules, in order, for a table of a listing. */
export function handlesIn(
  { tables }: RulesListing,
  family: Family,
  table: TableName,
): ReadonlyMap<string, readonly number[]> {
  const handles = new Map<string, number[]>();
  let ofChain: number[] = [];
  for (const line of tables.get(`${family} ${table}`) ?? []) {
    const chain = CHAIN.exec(line)?.[1];
    const handle = chain === undefined && line.startsWith('\t\t') ? HANDLE.exec(line)?.[1] : undefined;
    if (handle !== undefined) ofChain.push(Number(handle));
    if (chain === undefined) continue;
    ofChain = [];
    handles.set(chain, ofChain);
  }
  return handles;
}
