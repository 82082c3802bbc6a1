import { createLog, type Log } from '../../src/log.ts';
import type { Nft } from '../../src/nft/nft.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel } from '../../src/sync/family-model.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import type { SyncObserver } from '../../src/sync/observer.ts';
import { networks } from '../../test/builders/networks.ts';
import { POD_CIDR } from './synthetic-cluster.ts';

/** Progress is no news here; a failure spoils the measurement and must be seen. */
export const log: Log = { ...createLog(0), info: () => undefined };

/** The IPv4 model of a cluster as a daemon with --cluster-cidr builds it. */
export function modelOf(cluster: Cluster): FamilyModel {
  return new FamilyModel(
    cluster,
    {
      program: buildProgram('ip', { localPods: { by: 'pod-cidrs' } }),
      networks: () => networks([POD_CIDR]),
    },
    log,
  );
}

/** A syncer of the IPv4 family, not yet running. */
export function syncerOf(model: FamilyModel, nft: Nft, observer?: SyncObserver): FamilySyncer {
  return new FamilySyncer(model, nft, log, observer);
}
