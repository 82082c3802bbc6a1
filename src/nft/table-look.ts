import type { Container } from '../ruleset/container.ts';
import type { Element } from '../ruleset/element.ts';
import type { Program } from '../ruleset/program.ts';
import type { Nft } from './nft.ts';
import { createTableReader, type TableContents } from './table-reader.ts';
import type { TableName } from './tables.ts';

/** What a listing found, and how many characters it had, which its cost goes by. */
export interface Look {
  readonly contents: TableContents;
  readonly size: number;
}

export interface LookOptions {
  /** Seconds until nft is ended: it begins anew whenever anybody commits something meanwhile, and may never come to an end. */
  readonly timeout: number;
  /** Other elements are left out, and take no memory. */
  readonly isWanted?: (element: Element) => boolean;
  /** Called when nft has read all, and begins to print. */
  readonly onFirst?: () => void;
}

/**
 * The elements of one set or map, or with `container` undefined the whole table.
 * @throws NftError
 */
export async function lookAtElements(
  nft: Nft,
  program: Program,
  table: TableName,
  container: Container | undefined,
  { timeout, isWanted, onFirst }: LookOptions,
): Promise<Look> {
  const what =
    container === undefined
      ? ['table', program.family, table]
      : [container.value === undefined ? 'set' : 'map', program.family, table, container.name];
  const reader = createTableReader(program, isWanted);
  let size = 0;
  await nft.look(
    (line) => {
      if (size === 0) onFirst?.();
      size += line.length + 1;
      reader.line(line);
    },
    ['list', ...what],
    timeout,
  );
  return { contents: reader.end(), size };
}
