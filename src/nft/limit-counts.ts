import type { Family } from '../ip.ts';
import { type LimitResult, limitCounted } from '../ruleset/program/limits.ts';
import type { Nft } from './nft.ts';
import type { TableName } from './tables.ts';

/** What a named counter has counted since it was last read. */
export interface LimitCount {
  readonly result: LimitResult;
  /** "namespace/name" */
  readonly service: string;
  readonly packets: number;
}

/** Seconds. */
const TIMEOUT = 10;

/**
 * What limits have done in a table since this was last called. It resets the counters to 0: nft 1.0.6 reads all elements of
 * a table to list counters, and none to reset them.
 * @throws NftError
 */
export async function takeLimitCounts(nft: Nft, family: Family, table: TableName): Promise<readonly LimitCount[]> {
  const counts: LimitCount[] = [];
  let counted: ReturnType<typeof limitCounted>;
  await nft.look(
    (line) => {
      const [, name] = /^\tcounter (\S+) \{$/.exec(line) ?? [];
      if (name !== undefined) counted = limitCounted(name);
      const [, packets = '0'] = /^\t\tpackets (\d+) /.exec(line) ?? [];
      if (counted !== undefined && Number(packets) > 0) counts.push({ ...counted, packets: Number(packets) });
    },
    ['reset', 'counters', 'table', family, table],
    TIMEOUT,
  );
  return counts;
}
