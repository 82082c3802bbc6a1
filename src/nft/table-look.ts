import type { Family } from '../ip.ts';
import type { Container } from '../ruleset/container.ts';
import type { Program } from '../ruleset/program.ts';
import type { Nft } from './nft.ts';
import { NftError } from './run.ts';
import { createTableReader, type TableContents } from './table-reader.ts';
import type { TableName } from './tables.ts';
import { isOlder } from './version.ts';

/** What a listing found, and how many characters it had, which its cost goes by. */
export interface Look {
  readonly contents: TableContents;
  readonly size: number;
}

/** The oldest nft tested that lists one table without its elements when it is asked to. */
const TERSE_TABLE = '1.1.3';

/**
 * All rules of a table, without elements: 6 ms of CPU time whatever the table holds. nft 1.0.6 reads every element for
 * `-t list table` and `list chain` (2.5 s at 100,000), but not for `-t list ruleset`, which has the tables of others, too.
 * @throws NftError; not-found where the table is not there
 */
export async function lookAtRules(nft: Nft, program: Program, table: TableName): Promise<Look> {
  const isOld = isOlder(await nft.version(), TERSE_TABLE);
  const what = isOld ? ['ruleset', program.family] : ['table', program.family, table];
  return look(nft, program, table, ['-t', 'list', ...what], RULES_TIMEOUT);
}

/**
 * The elements of one set or map, or with `container` undefined the whole table. `timeout`: seconds until nft is ended; it
 * begins anew whenever anybody commits something meanwhile, and may never come to an end.
 * @throws NftError
 */
export function lookAtElements(
  nft: Nft,
  program: Program,
  table: TableName,
  container: Container | undefined,
  timeout: number,
): Promise<Look> {
  const what =
    container === undefined
      ? ['table', program.family, table]
      : [container.value === undefined ? 'set' : 'map', program.family, table, container.name];
  return look(nft, program, table, ['list', ...what], timeout);
}

/** Seconds. Tables of others with 10,000 rules take nft a tenth of one. */
const RULES_TIMEOUT = 20;

async function look(
  nft: Nft,
  program: Program,
  table: TableName,
  args: readonly string[],
  timeout: number,
): Promise<Look> {
  const reader = createTableReader(program);
  const isOurs = oneTable(program.family, table);
  let isThere = false;
  let size = 0;
  await nft.look(
    (line) => {
      size += line.length + 1;
      if (!isOurs(line)) return;
      isThere = true;
      reader.line(line);
    },
    args,
    timeout,
  );
  if (!isThere) throw new NftError('not-found', `nft lists no table ${program.family} ${table}`);
  return { contents: reader.end(), size };
}

/** Tells the lines of one table from those of others. */
function oneTable(family: Family, table: TableName): (line: string) => boolean {
  const head = `table ${family} ${table} {`;
  let isIn = false;
  return (line) => {
    if (line === head) isIn = true;
    const was = isIn;
    if (line === '}') isIn = false;
    return was;
  };
}
