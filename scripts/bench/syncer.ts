import { createLog, type Log } from '../../src/log.ts';
import type { Nft } from '../../src/nft/nft.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel } from '../../src/sync/family-model.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { networks } from '../../test/builders/networks.ts';
import { POD_CIDR } from './synthetic-cluster.ts';

/** Progress is no news here; a failure spoils the measurement and must be seen. */
const log: Log = { ...createLog(0), info: () => undefined };

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
export function syncerOf(cluster: Cluster, nft: Nft): FamilySyncer {
  return new FamilySyncer(modelOf(cluster), nft, log);
}
