import type { Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Program } from '../ruleset/program/program.ts';
import type { Nft } from './nft.ts';
import { createTableReader, type TableContents } from './table-reader.ts';
import type { TableName } from './tables.ts';

/** What a listing found, and how many characters it had, which its cost goes by. */
export interface Look {
  /** Undefined if its text is known: it was not read. */
  readonly contents: TableContents | undefined;
  readonly digest: string;
  readonly size: number;
}

export interface LookOptions {
  /** Seconds until nft is ended: it begins anew whenever anybody commits something meanwhile, and may never come to an end. */
  readonly timeout: number;
  /** Other elements are left out, and take no memory. */
  readonly isWanted?: (element: Element) => boolean;
  /** The digest of a text that is not to be read again (see runNftLines). */
  readonly known?: string | undefined;
  /** Called when nft has read all, and begins to print. */
  readonly onFirst?: () => void;
}

/**
 * The elements of one set or map, or with `set or map` undefined the whole table.
 * @throws NftError
 */
export async function lookAtElements(
  nft: Nft,
  program: Program,
  table: TableName,
  setOrMap: SetOrMap | undefined,
  { timeout, isWanted, ...options }: LookOptions,
): Promise<Look> {
  const what =
    setOrMap === undefined
      ? ['table', program.family, table]
      : [setOrMap.value === undefined ? 'set' : 'map', program.family, table, setOrMap.name];
  const reader = createTableReader(program, isWanted);
  const { size, digest, isKnown } = await nft.look(reader.line, ['list', ...what], timeout, options);
  return { contents: isKnown ? undefined : reader.end(), digest, size };
}
