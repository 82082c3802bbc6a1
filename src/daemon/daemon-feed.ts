import type { Log } from '../log.ts';
import type { Cluster } from '../service/cluster.ts';
import type { Daemon } from './assemble.ts';
import { Feed } from './feed.ts';

export interface DaemonFeedOptions {
  /** The whole cluster is known for the first time, and no saved state was used. */
  readonly onWhole: () => void;
  /** The source has delivered everything, whether or not a saved state was used until now. */
  readonly onSynced: () => void;
}

/** The feed of a daemon. Each part of the daemon receives the events that it depends on. */
export function daemonFeed(daemon: Daemon, { onWhole, onSynced }: DaemonFeedOptions): Feed {
  const { args, cluster, members, health, metrics, events, followers, lastState, memory, guard, nodes, log } = daemon;
  return new Feed({
    cluster,
    args,
    listener: {
      changing: (object, isListed) => {
        memory.worked(1);
        if (object.kind === 'Service') metrics.serviceChanged();
        else if (object.kind === 'EndpointSlice') metrics.endpointsChanged(object);
        if (object.kind !== 'Node') lastState.changed();
        followers.gone.changes(object, isListed);
      },
      deleting: (kind, key, isListed) => {
        if (kind === 'Service') metrics.serviceChanged();
        else if (kind === 'EndpointSlice') metrics.endpointsChanged();
        lastState.changed();
        followers.gone.deletes(kind, key, isListed);
      },
      changed: (serviceKeys) => {
        daemon.servicesChanged(serviceKeys);
        nodes.looked();
      },
      serviceCidrsChanged: () => guard.decideSoon(),
      nodeChanged: () => {
        lastState.changed();
        guard.decide();
        for (const { syncer } of members) syncer.nodeChanged();
      },
      synced: () => {
        warnOfOwnAddress(cluster, daemon.apiServerHost, log);
        events.event({ type: 'Normal', reason: 'Starting', message: '', about: 'node' });
        health.staleSince = undefined;
        nodes.whole();
        if (lastState.synced()) followers.takenOver();
        else onWhole();
        onSynced();
      },
    },
  });
}

/** A daemon that needs its own rules to reach the API server cannot repair them once they are lost. */
function warnOfOwnAddress(cluster: Cluster, apiServerHost: string | undefined, log: Log): void {
  for (const key of apiServerHost === undefined ? [] : cluster.serviceKeys()) {
    if (!cluster.service(key)?.clusterIps.some((address) => address === apiServerHost)) continue;
    log.warn(
      `the API server is reached through ${apiServerHost}, the ClusterIP of Service ${key} that this daemon itself programs: ` +
        'pass the real address of the API server with --master',
    );
  }
}
