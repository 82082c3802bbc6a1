import process from 'node:process';
import type { Arguments } from '../config/arguments.ts';
import { ConntrackLosses, readConntrackCounts } from '../conntrack/losses.ts';
import { ProxyHealth } from '../health/proxy-health.ts';
import { Heartbeats } from '../heartbeat/heartbeats.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { createNft } from '../nft/nft.ts';
import type { SessionKeeper } from '../nft/session-keeper.ts';
import { TABLE_NAMES } from '../nft/tables.ts';
import { Cluster } from '../service/cluster.ts';
import type { ClaimConflict } from '../service/frontend-claims.ts';
import { SYSTEM_CLOCK } from '../sync/clock.ts';
import { Commits } from '../sync/commits.ts';
import { createInitialSync } from '../sync/initial-sync.ts';
import { LimitsWatch } from '../sync/limits-watch.ts';
import { Shortfalls } from '../sync/shortfalls.ts';
import type { Knowledge } from './answers/knowledge.ts';
import { nodeFlags } from './answers/node-flags.ts';
import { operatorPage } from './answers/operator-page.ts';
import { briefStatus, daemonStatus } from './answers/status-answer.ts';
import { countedConnections } from './counting.ts';
import { conflictEvent } from './events/conflict-event.ts';
import { shortfallEvent } from './events/shortfall-event.ts';
import { Followers } from './followers/followers.ts';
import { LastState, type StateReport } from './last-state.ts';
import { createMembers } from './members.ts';
import { MemorySaver } from './memory-saver.ts';
import { createModels } from './models.ts';
import { servesLocalhost } from './node-addresses.ts';
import type { ApiListeners, OpenedSource } from './open-source.ts';
import { createRefusedReader } from './refused-reader.ts';
import { AddressGuard, type Redecided } from './watches/address-guard.ts';
import { ClusterWatch } from './watches/cluster-watch.ts';
import { NodeWatch } from './watches/node-watch.ts';
import { OthersWatch } from './watches/others-watch.ts';

export interface AssembleOptions {
  readonly args: Arguments;
  readonly environment: NodeJS.ProcessEnv;
  readonly families: readonly Family[];
  readonly sessions: SessionKeeper;
  /** Creates the source; it reports what an API server does to these listeners. */
  readonly openSource: (listeners: ApiListeners) => OpenedSource;
  /** A saved state was delivered instead of the source, and is the whole cluster until the source has delivered it. */
  readonly onStandIn: () => void;
  readonly log: Log;
}

/** All that a daemon consists of. */
export type Daemon = ReturnType<typeof assemble>;

/** Builds a daemon's object graph. Nothing runs, listens or waits yet: `run` starts it. */
export function assemble({ args, environment, families, sessions, openSource, onStandIn, log }: AssembleOptions) {
  const cluster = new Cluster(args.nodeName, args);
  const shortfalls = new Shortfalls({ log, onShortfall: (shortfall) => events.event(shortfallEvent(shortfall)) });
  const { initialSync, complete: completeInitialSync } = createInitialSync();
  const lastState = new LastState({ args, environment, families, cluster, log, onStandIn });
  const onLoopback = families.some((family) => servesLocalhost(args.nodePortAddresses, family));
  const tableOf = (family: Family) => members.find(({ model }) => model.family === family)?.syncer.table;
  const metrics = createMetrics({
    families,
    log,
    shortfalls,
    savedState: () => lastState.report,
    conntrack: readConntrackCounts,
    ...(args.connectionMetrics > 0 && {
      connections: { most: args.connectionMetrics, read: () => connections(false) },
    }),
    ...(onLoopback && { readLocalhostRejected: createRefusedReader(args.runDir, tableOf) }),
  });
  const { source, events, apiServerHost, apiServerPort } = openSource({
    onAnswer: metrics.apiRequest,
    onWorks: metrics.apiWorks,
    ...lastState.listeners,
  });
  const onConflict = (conflict: ClaimConflict) => events.event(conflictEvent(conflict));
  const models = createModels(cluster, families, args, log, onConflict, shortfalls);
  const health = new ProxyHealth({
    isNodeEligible: () => cluster.node?.eligible ?? false,
    syncPeriod: args.syncPeriod,
  });
  const followers = new Followers({ cluster, models, args, metrics, health, events, log });
  const commits = new Commits(SYSTEM_CLOCK);
  const memory = new MemorySaver();
  const others = new OthersWatch({
    log,
    always: args.watchOthers,
    size: () => models.reduce((sum, { ruleset }) => sum + ruleset.size, 0),
  });
  const operator = operatorPage({
    args,
    known: () => known(),
    brief: () => brief(),
    connections: () => connections(false),
    limitCounts: (service) => limits.countsOf(service),
  });
  /** Dependencies that exist only once the daemon runs. */
  const progress = { nftVersion: '', transactions: 0 };
  const members = createMembers({
    ...{ args, models, sessions, commits, followers, operator, health, metrics, memory, others, log },
    onTransaction: () => {
      progress.transactions++;
    },
  });
  const heartbeats = new Heartbeats(
    members.flatMap(({ heart }) => heart ?? []),
    SYSTEM_CLOCK,
  );
  const onRedecided = ({ networks, services }: Redecided) => {
    for (const { syncer } of members) {
      if (networks) syncer.networksChanged();
      syncer.changed(services);
    }
  };
  const guard = new AddressGuard({ cluster, args, shortfalls, apiServerHost, apiServerPort, onRedecided });
  const watch = new ClusterWatch({ cluster, log });
  /** Recomputes the rules of these Services. */
  const servicesChanged = (keys: readonly string[]) => {
    for (const { syncer } of members) syncer.changed(keys);
    guard.servicesChanged(keys);
    watch.changed(keys);
  };
  const nodes = new NodeWatch({ cluster, log, onChanged: servicesChanged });
  const losses = new ConntrackLosses({ log });
  const limits = new LimitsWatch({
    families: members.map(({ model, syncer }) => ({
      model,
      nft: createNft(args.runDir, `${model.family}-limits`),
      table: () => syncer.table,
    })),
    log,
    clock: SYSTEM_CLOCK,
    onCount: (family, result, count) => metrics.limited(family, result, count),
  });
  const facts = {
    cluster,
    members,
    shortfalls,
    lastState,
    source: source.description,
    isWatched: !args.noWatch,
    nft: () => progress.nftVersion,
    culprit: () => others.last,
    resets: () => followers.resets,
    flags: nodeFlags(args),
  };
  const brief = briefStatus(facts);
  const status = daemonStatus(facts, brief);
  const connections = countedConnections({
    args,
    cluster,
    members,
    commits,
    counting: models[0]?.ruleset.counting,
    limits,
  });
  const known = (): Knowledge => {
    const tables = members.map(({ model, syncer }) => ({
      model,
      table: syncer.table ?? TABLE_NAMES[0],
      inForce: syncer.table !== undefined,
    }));
    const { report: state } = lastState;
    const origin = `the running daemon (pid ${process.pid}), from ${source.description}${standInNote(state)}`;
    return { models: tables, cluster, shortfalls, state, status, connections, origin };
  };
  return {
    ...{ args, log, source, events, apiServerHost, cluster, members, health, metrics, followers, lastState, memory },
    ...{ guard, watch, nodes, others, losses, limits, heartbeats, operator, progress, known, servicesChanged },
    ...{ initialSync, completeInitialSync },
  };
}

/** Empty while the daemon serves what the source has. */
function standInNote({ staleSince }: StateReport): string {
  return staleSince === undefined ? '' : `, as saved at ${new Date(staleSince).toISOString()}: it cannot be reached`;
}
