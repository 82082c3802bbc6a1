import type { Family } from '../ip.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import { addTableCommand, type TableName } from '../nft/tables.ts';
import type { Clock } from './clock.ts';

/** Seconds for a transaction that changes nothing, beyond which the whole machine is slow. */
const WELL = 2;

/**
 * Nobody is to blame where nft and the kernel do not take what changes nothing, or only after seconds.
 * @throws NftError then
 */
export async function assertWell(nft: Nft, family: Family, table: TableName, clock: Pick<Clock, 'now'>): Promise<void> {
  const began = clock.now();
  await nft.apply(document([addTableCommand(family, table)]));
  const seconds = (clock.now() - began) / 1000;
  if (seconds > WELL)
    throw new NftError('unknown-outcome', `nft took ${seconds.toFixed(0)} s for a transaction that changes nothing`);
}
