import { release } from 'node:os';
import process from 'node:process';
import type { Cluster } from '../../service/cluster.ts';
import { SHORTFALL_REASONS, type ShortfallReason } from '../../service/shortfall.ts';
import { countOptions } from '../../service/used-options.ts';
import type { Culprit, FamilyStatus, Status } from '../../status/status.ts';
import type { SyncRecord } from '../../status/sync-record.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import type { FamilySyncer } from '../../sync/family-syncer.ts';
import type { Shortfalls } from '../../sync/shortfalls.ts';
import { VERSION } from '../../version.ts';
import type { LastState } from '../last-state.ts';

/** The maximum number of keys that an answer lists. */
const LISTED = 100;

export interface DaemonStatusOptions {
  readonly cluster: Cluster;
  readonly members: readonly {
    readonly model: FamilyModel;
    readonly syncer: FamilySyncer;
    readonly record: SyncRecord;
  }[];
  readonly shortfalls: Shortfalls;
  readonly lastState: Pick<LastState, 'report' | 'silence'>;
  readonly source: string;
  readonly isWatched: boolean;
  /** The version that nft reports; empty until it is known. */
  readonly nft: () => string;
  readonly culprit: () => Culprit | undefined;
  readonly resets: () => Status['resets'];
  /** The flags of docs/beyond-kube-proxy.md that are set. */
  readonly flags: readonly string[];
}

/** A status without the parts that require a look at every Service. */
export type BriefStatus = Omit<Status, 'nodes' | 'options' | 'lacksZone' | 'withoutEndpoints'>;

/** The daemon's answer to `status`. `look`: compare the kernel with the model now; the next answer has the result. */
export function daemonStatus(options: DaemonStatusOptions, brief: () => BriefStatus): (look: boolean) => Status {
  return (look) => {
    const { cluster, members } = options;
    if (look) for (const { syncer } of members) syncer.look('status was requested');
    const nodes = cluster.readiness && { nodes: cluster.readiness.report };
    const counts = countOptions(cluster);
    const lacksZone = counts?.['zone-spill-over'] !== undefined && !cluster.node?.zone;
    const requested = { ...(counts && { options: counts }), ...(lacksZone && { lacksZone }) };
    return { ...brief(), ...nodes, ...requested, withoutEndpoints: withoutEndpoints(cluster) };
  };
}

/** The state of the daemon. Takes some microseconds. */
export function briefStatus(options: DaemonStatusOptions): () => BriefStatus {
  const startedAt = Date.now();
  return () => {
    const { cluster, members, shortfalls, lastState, source, isWatched, nft, culprit, flags } = options;
    const resets = options.resets();
    const at = Date.now();
    const { silence } = lastState;
    const counts = SHORTFALL_REASONS.map((reason) => [reason, shortfalls.count(reason)] as const);
    return {
      node: cluster.nodeName,
      version: VERSION,
      pid: process.pid,
      startedAt,
      at,
      nft: nft(),
      kernel: release(),
      source,
      heardAt: silence === undefined ? undefined : Math.round(at - silence),
      staleSince: lastState.report.staleSince,
      families: members.map(
        ({ model, syncer, record }): FamilyStatus => ({
          ...record.report,
          family: model.family,
          table: syncer.table,
          elements: model.ruleset.size,
          behind: model.backlog,
          isWatched,
        }),
      ),
      culprit: culprit(),
      ...(resets && { resets }),
      services: cluster.serviceCount,
      ...(flags.length > 0 && { flags }),
      shortfalls: Object.fromEntries(counts) as Record<ShortfallReason, number>,
    };
  };
}

/** Services with a ClusterIP whose slices have no endpoint, ready or not. */
function withoutEndpoints(cluster: Cluster): Status['withoutEndpoints'] {
  const keys = [...cluster.serviceKeys()].filter((key) => {
    const hasAddress = (cluster.service(key)?.clusterIps.length ?? 0) > 0;
    return hasAddress && cluster.slicesOf(key).every(({ endpoints }) => endpoints.length === 0);
  });
  return { count: keys.length, keys: keys.toSorted().slice(0, LISTED) };
}
