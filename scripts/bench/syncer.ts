import { compileLess } from '../../src/host/compile-less.ts';
import type { Family } from '../../src/ip.ts';
import { createLog, type Log } from '../../src/log.ts';
import { document, transactionCommands } from '../../src/nft/json/transaction-json.ts';
import { createNft, type Nft } from '../../src/nft/nft.ts';
import type { TableName } from '../../src/nft/tables.ts';
import { sizeOf, type Transaction } from '../../src/ruleset/model/transaction.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import type { FamilyModel } from '../../src/sync/family-model.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import type { SyncerOptions } from '../../src/sync/syncer-options.ts';
import { newModel } from '../../test/builders/models.ts';
import { POD_CIDR } from './synthetic-cluster.ts';

// As the executable does.
compileLess();

/** Progress is no news here; a failure spoils the measurement and must be seen. */
export const log: Log = { ...createLog(0), info: () => undefined };

/** A family's model of a cluster as a daemon with --cluster-cidr builds it, which counts connections by default. */
export function modelOf(cluster: Cluster, family: Family = 'ip'): FamilyModel {
  const program = { localPods: { by: 'pod-cidrs' }, connectionCounters: true } as const;
  const networks = { 'pod-cidrs': family === 'ip' ? [POD_CIDR] : [] };
  return newModel(cluster, { family, program, networks, log }).model;
}

/** A syncer of the model's family, not yet running. */
export function syncerOf(model: FamilyModel, nft: Nft, options: SyncerOptions = {}): FamilySyncer {
  return new FamilySyncer(model, nft, log, options);
}

/** The document that brings one transaction into a table; undefined for an empty one. */
export function documentOf(model: FamilyModel, table: TableName, transaction: Transaction): string | undefined {
  if (sizeOf(transaction) === 0) return undefined;
  return document(transactionCommands(model.family, table, transaction, model.setSyntax));
}

/**
 * Makes the IPv6 table of a cluster, as a node has it beside the IPv4 one that is measured: each nft that starts, and on
 * old versions each transaction, reads the chains of both. `directory`: for a run directory.
 */
export async function fillOtherFamily(cluster: Cluster, directory: string): Promise<void> {
  const syncer = syncerOf(modelOf(cluster, 'ip6'), createNft(directory, `other-family-${process.pid}`));
  const running = syncer.run();
  await syncer.whenInSync();
  syncer.stop();
  await running;
}
