import { type Counted, parseCounted } from '../ruleset/elements/element-text.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Program } from '../ruleset/program/program.ts';
import type { Nft } from './nft.ts';
import { NftError } from './run.ts';
import { elementsIn } from './table-reader.ts';
import type { TableName } from './tables.ts';

export interface CountsOptions {
  /** Seconds until nft is killed. It restarts whenever somebody commits something in the meantime. */
  readonly timeout: number;
  /** Called when nft has read everything and begins to print. */
  readonly onFirst?: () => void;
}

/**
 * What the elements of a set with counters have counted, in one listing of that set.
 * @throws NftError, also (not-found) if the set does not exist
 */
export async function readCounts(
  nft: Nft,
  { family }: Program,
  table: TableName,
  setOrMap: SetOrMap,
  { timeout, ...options }: CountsOptions,
): Promise<readonly Counted[]> {
  const counts: Counted[] = [];
  let isAmong = false;
  const onLine = (line: string) => {
    const { text, isLast } = elementsIn(line, isAmong);
    isAmong = text !== undefined && !isLast;
    if (text === undefined) return;
    const counted = parseCounted(setOrMap, text);
    if (counted === undefined)
      throw new NftError('refused', `${setOrMap.name} contains an unexpected element: ${text.trim()}`);
    counts.push(...counted);
  };
  await nft.look(onLine, ['list', 'set', family, table, setOrMap.name], timeout, options);
  return counts;
}
