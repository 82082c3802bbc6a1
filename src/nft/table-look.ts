import type { Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Program } from '../ruleset/program/program.ts';
import type { Nft } from './nft.ts';
import { createTableReader, type TableContents } from './table-reader.ts';
import type { TableName } from './tables.ts';

/** What a listing found, and its length in characters, which determines its cost. */
export interface Look {
  /** Undefined if its text is known, so it was not parsed. */
  readonly contents: TableContents | undefined;
  readonly digest: string;
  readonly size: number;
}

export interface LookOptions {
  /**
   * Seconds until nft is killed. It restarts whenever somebody commits something in the meantime, so it may never finish.
   */
  readonly timeout: number;
  /** Other elements are left out, and use no memory. */
  readonly isWanted?: (element: Element) => boolean;
  /** The digest of a text that need not be parsed again (see runNftLines). */
  readonly known?: string | undefined;
  /** Called when nft has read everything and begins to print. */
  readonly onFirst?: () => void;
}

/**
 * The elements of one set or map, or the whole table if `setOrMap` is undefined.
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
