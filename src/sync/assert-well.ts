import type { Family } from '../ip.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import { addTableCommand, type TableName } from '../nft/tables.ts';
import type { Clock } from './clock.ts';

/** Seconds. If a transaction that changes nothing takes longer, the whole machine is slow. */
const WELL = 2;

/**
 * Checks that nft and the kernel accept a transaction that changes nothing, within seconds. If they do not, no frontend is
 * to blame.
 * @throws NftError if they do not
 */
export async function assertWell(nft: Nft, family: Family, table: TableName, clock: Pick<Clock, 'now'>): Promise<void> {
  const began = clock.now();
  await nft.apply(document([addTableCommand(family, table)]));
  const seconds = (clock.now() - began) / 1000;
  if (seconds > WELL)
    throw new NftError('unknown-outcome', `nft took ${seconds.toFixed(0)} s for a transaction that changes nothing`);
}
