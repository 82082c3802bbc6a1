import type { Log } from '../log.ts';
import { clientInputs, readClients } from '../nft/affinity-clients.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { AFFINITY_SETS } from '../ruleset/program/affinity.ts';
import type { Target } from './sender.ts';

/** Clients of a family that are carried over at most: nft reads and adds them within 2 seconds (1.0.6, 2 cores). */
const MAX_CLIENTS = 65_536;

/**
 * Lets clients with session affinity keep their endpoints when a staged table takes over from another: adds those that the
 * other knows, with what is left of their time, to the sets that both have. Best effort: a client that comes or goes
 * meanwhile is as the listing had it, and if nft does not take them the table goes into force without.
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
