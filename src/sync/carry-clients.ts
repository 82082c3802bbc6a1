import type { Log } from '../log.ts';
import { clientInputs, readClients } from '../nft/affinity-clients.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { AFFINITY_SETS } from '../ruleset/program/affinity.ts';
import type { Target } from './sender.ts';

/** The maximum number of clients carried over in a family: nft reads and adds them within 2 seconds (1.0.6, 2 cores). */
const MAX_CLIENTS = 65_536;

/**
 * Lets clients with session affinity keep their endpoints when a staged table replaces another. It copies the clients of the
 * old table, with their remaining time, into the sets that both tables have. This is best effort: clients that change in the
 * meantime are copied as listed. If nft does not accept them, the table goes into force without them.
 */
export async function carryClients({ model, nft, table }: Target, from: TableName, log: Log): Promise<void> {
  const { family, ruleset } = model;
  if (ruleset.countOf(AFFINITY_SETS) === 0) return;
  const sets = new Set([...ruleset.elementsOf(AFFINITY_SETS)].map(({ key }) => key));
  try {
    const clients = await readClients(nft, family, from, sets, MAX_CLIENTS);
    for (const input of clientInputs(family, table, clients)) await nft.load(input);
    const { count, left } = clients;
    if (count > 0) log.info('clients with session affinity keep their endpoints', { family, clients: count });
    if (left > 0) log.warn('too many clients with session affinity: the rest may move', { family, clients: left });
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    log.warn(`clients with session affinity may move to other endpoints: ${error.message}`, { family });
  }
}
