import process from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { ConntrackLosses, readConntrackCounts } from '../conntrack/losses.ts';
import { keepControl } from '../control/control-socket.ts';
import { lockNamespace } from '../control/namespace-lock.ts';
import { announceReadiness, isServing } from '../control/notify.ts';
import { ProxyHealth } from '../health/proxy-health.ts';
import type { Heartbeat } from '../heartbeat/heartbeat.ts';
import { Heartbeats } from '../heartbeat/heartbeats.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { assertNoKubeProxy } from '../migration/live-proxies.ts';
import { DryRuns } from '../nft/dry-runs.ts';
import { waitForLeftovers } from '../nft/leftovers.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { probeNft } from '../nft/probe.ts';
import { RulesLister } from '../nft/rules-lister.ts';
import { SessionKeeper } from '../nft/session-keeper.ts';
import { tellOfSlowTransactions } from '../nft/slow-transactions.ts';
import { TABLE_NAMES } from '../nft/tables.ts';
import type { Node } from '../objects/node.ts';
import { Cluster } from '../service/cluster.ts';
import type { ClaimConflict } from '../service/frontend-claims.ts';
import { SyncRecord } from '../status/sync-record.ts';
import { createArrival } from '../sync/arrival.ts';
import { AuditBudget } from '../sync/audit-budget.ts';
import { SYSTEM_CLOCK } from '../sync/clock.ts';
import { Commits } from '../sync/commits.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { FamilySyncer } from '../sync/family-syncer.ts';
import { LimitsWatch } from '../sync/limits-watch.ts';
import type { SyncObserver } from '../sync/observer.ts';
import { Pace } from '../sync/pace.ts';
import { Shortfalls } from '../sync/shortfalls.ts';
import { VERSION } from '../version.ts';
import { AddressGuard, type Redecided } from './address-guard.ts';
import type { Arguments } from './arguments.ts';
import { asConfigured } from './as-configured.ts';
import { ClusterWatch } from './cluster-watch.ts';
import { conflictEvent } from './conflict-event.ts';
import { countedConnections } from './counting.ts';
import { briefStatus, daemonStatus } from './daemon-status.ts';
import { kernelFamilies, servedFamilies } from './families.ts';
import { Followers } from './followers.ts';
import { heartbeatOf } from './heartbeats.ts';
import { prepareNode } from './init.ts';
import { LastState, type StateReport } from './last-state.ts';
import { MemorySaver } from './memory-saver.ts';
import { createModels } from './models.ts';
import { servesLocalhost } from './node-addresses.ts';
import { NodeWatch } from './node-watch.ts';
import { openSource } from './open-source.ts';
import { operatorPage } from './operator-page.ts';
import { OthersWatch } from './others-watch.ts';
import type { Knowledge } from './questions.ts';
import { createRefusedReader } from './refused-reader.ts';
import { startServers } from './servers.ts';
import { shortfallEvent } from './shortfall-event.ts';
import { answerTo } from './show.ts';

/** Milliseconds between two looks at the addresses of this machine's interfaces. */
const ADDRESSES_INTERVAL = 5000;

/** Milliseconds between two looks at what conntrack has lost: three small files. */
const LOSSES_INTERVAL = 5000;

/** Milliseconds from one look at what limits of Services have done to the next. */
const LIMITS_INTERVAL = 30_000;

/** Runs the daemon: source → cluster → model → kernel, until SIGTERM or SIGINT. The rules stay when it ends. */
export async function run(args: Arguments, log: Log): Promise<void> {
  const families = servedFamilies(log);
  // What comes next does not need nft: it starts meanwhile. One session serves both families.
  const onSlow = (milliseconds: number) => void tellOfSlowTransactions(milliseconds, probe, log);
  const sessions = new SessionKeeper({ nft: 'nft', runDir: args.runDir, log, onSlow });
  const probe = createNft(args.runDir, 'probe', 'nft', sessions);
  const probing = probe.openSession(log).then(() => probeNft(probe, log));
  // A failure is for the await below; this keeps Node from calling it unhandled until then.
  probing.catch(() => undefined);
  const tableOf = (family: Family) => members.find(({ model }) => model.family === family)?.syncer.table;
  const onLoopback = families.some((family) => servesLocalhost(args.nodePortAddresses, family));
  const shortfalls = new Shortfalls({ log, onShortfall: (shortfall) => events.event(shortfallEvent(shortfall)) });
  const cluster = new Cluster(args.nodeName, args);
  const watch = new ClusterWatch({ cluster, log });
  const lastState = new LastState({
    args,
    environment: process.env,
    families,
    cluster,
    log,
    onStandIn: () => stoodIn(),
  });
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
  const { source, events, apiServerHost, apiServerPort } = openSource(args, process.env, log, {
    onAnswer: metrics.apiRequest,
    onWorks: metrics.apiWorks,
    ...lastState.listeners,
  });
  await source.prepare();
  const lock = await lockNamespace(createNft(args.runDir, 'lock'), log);
  const hasKubeProxyRules = async () => {
    await probing;
    // Hardly ever needed.
    const { findRules, hasRules } = await import('../migration/find.ts');
    return hasRules(await findRules(createNft(args.runDir, 'probe'), kernelFamilies()));
  };
  if (!args.besideKubeProxy) await assertNoKubeProxy(hasKubeProxyRules, log);
  const onConflict = (conflict: ClaimConflict) => events.event(conflictEvent(conflict));
  const models = createModels(cluster, families, args, log, onConflict, shortfalls);
  const health = new ProxyHealth({
    isNodeEligible: () => cluster.node?.eligible ?? false,
    syncPeriod: args.syncPeriod,
  });
  const followers = new Followers({ cluster, models, args, metrics, health, events, log });
  const dryRuns = new DryRuns({ nft: 'nft', runDir: args.runDir, log });
  const audits = { budget: new AuditBudget(), lister: new RulesLister(), dryRuns, watch: !args.noWatch };
  const commits = new Commits(SYSTEM_CLOCK);
  const pace = new Pace(SYSTEM_CLOCK, args.transactionInterval);
  const memory = new MemorySaver();
  let transactions = 0;
  const counted = (nft: Nft, family: Family): Nft => ({
    ...nft,
    apply: async (json) => {
      try {
        await nft.apply(json);
        transactions++;
      } finally {
        health.worked(family);
      }
    },
  });
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
  });
  const members: readonly Member[] = models.map((model) => {
    const nft = counted(createNft(args.runDir, model.family, 'nft', sessions), model.family);
    const follower = followers.observer(model);
    // What took something of ours may have taken the other family's, too.
    const lookAtOthers = () => {
      for (const { syncer } of members.filter((member) => member.model !== model)) {
        syncer.look('somebody changed our table of the other family');
      }
    };
    const watched: SyncObserver = {
      ...follower,
      succeeded: (result) => {
        follower.succeeded(result);
        memory.worked(result.operations);
      },
      lost: () => {
        follower.lost();
        others.drifted();
        lookAtOthers();
      },
      drifted: (drift, isNews) => {
        follower.drifted(drift, isNews);
        others.drifted();
        lookAtOthers();
      },
    };
    const heartbeat = args.heartbeat && !args.noWatch ? heartbeatOf(model.family, log, metrics) : undefined;
    const ports = heartbeat && { heartbeatPorts: heartbeat.claim };
    const record = new SyncRecord();
    const observer = operator.before(model, record.before(watched));
    const options = { observer, pace, commits, ...audits, ...ports };
    const syncer = new FamilySyncer(model, nft, log, options);
    return { model, nft, syncer, record, heart: heartbeat?.heartFor(syncer) };
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
  // Interface addresses come and go without any change in the cluster.
  setInterval(() => guard.look(), ADDRESSES_INTERVAL).unref();
  const losses = new ConntrackLosses({ log });
  setInterval(() => losses.look(), LOSSES_INTERVAL).unref();
  const limits = new LimitsWatch({
    families: members.map(({ model, syncer }) => ({
      model,
      nft: createNft(args.runDir, `${model.family}-limits`),
      table: () => syncer.table,
    })),
    log,
    onCount: (family, result, count) => metrics.limited(family, result, count),
  });
  setInterval(() => void limits.look(), LIMITS_INTERVAL).unref();
  let nftVersion = '';
  const facts = {
    cluster,
    members,
    shortfalls,
    lastState,
    source: source.description,
    isWatched: !args.noWatch,
    nft: () => nftVersion,
    culprit: () => others.last,
    resets: () => followers.resets,
  };
  const brief = briefStatus(facts);
  const status = daemonStatus(facts, brief);
  const connections = countedConnections({ args, cluster, members, commits, counting: models[0]?.ruleset.counting });
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
  const control = await keepControl(args.runDir, (path) => answerTo(path, known(), args), log);
  await waitForLeftovers(args.runDir, log);
  nftVersion = await probing;
  log.info('starting', { version: VERSION, nft: nftVersion, node: args.nodeName, source: source.description });
  const { arrival, complete } = createArrival();
  // Tables are read or staged while the servers start and objects arrive.
  for (const { syncer } of members) void syncer.run(arrival);
  heartbeats.start();
  prepareNode(args, log);
  await startServers(args, { health, metrics, events, page: operator.page, log });

  const close = () => {
    control.close();
    lock.close();
    followers.close();
    heartbeats.stop();
    others.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: stopping; the rules stay in place`);
      void lastState.close().then(() => {
        close();
        // A transaction in flight belongs to nft's own process, which takes it to its end.
        process.exit(0);
      });
    });
  }
  const changed = (keys: readonly string[]) => {
    for (const { syncer } of members) syncer.changed(keys);
    guard.servicesChanged(keys);
    watch.changed(keys);
  };
  const nodes = new NodeWatch({ cluster, log, onChanged: changed });
  /** Heartbeats change a Node every few minutes, but nothing of it that the rules depend on. */
  const followNode = (change: () => void) => {
    const { node: before, serviceCidrs } = cluster;
    change();
    nodes.looked();
    if (serviceCidrs !== cluster.serviceCidrs) guard.decideSoon();
    if (before === cluster.node || isDeepStrictEqual(forRules(before), forRules(cluster.node))) return;
    lastState.changed();
    guard.decide();
    for (const { syncer } of members) syncer.nodeChanged();
  };
  const programmed = arrival.whenComplete.then(() => allInSync());
  const allInSync = () => Promise.all(members.map(({ syncer }) => syncer.whenInSync()));
  const { promise: caughtUp, resolve: catchUp } = Promise.withResolvers<unknown>();
  void announceReadiness({
    programmed,
    isServing: () => isServing(args.runDir, families),
    progress: () => transactions,
    standIn: () => standInStatus(lastState.report),
    caughtUp,
    log,
  });
  const whole = () => {
    guard.begin();
    for (const { model } of members) health.started(model.family);
    complete();
    watch.begin();
  };
  const stoodIn = () => {
    health.staleSince = lastState.report.staleSince;
    whole();
    void programmed.then(() => log.info('the Services of the saved state are programmed'));
  };
  const stop = new AbortController();
  const following = source.run(
    lastState.begin({
      changed: (object, isListed) => {
        memory.worked(1);
        if (object.kind === 'Service') metrics.serviceChanged();
        else if (object.kind === 'EndpointSlice') metrics.endpointsChanged(object);
        if (object.kind !== 'Node') lastState.changed();
        followers.gone.changes(object, isListed);
        followNode(() => changed(cluster.set(asConfigured(object, args))));
      },
      deleted: (kind, key, isListed) => {
        if (kind === 'Service') metrics.serviceChanged();
        else if (kind === 'EndpointSlice') metrics.endpointsChanged();
        lastState.changed();
        followers.gone.deletes(kind, key, isListed);
        followNode(() => changed(cluster.delete(kind, key)));
      },
      synced: () => {
        warnOfOwnAddress(cluster, apiServerHost, log);
        events.event({ type: 'Normal', reason: 'Starting', message: '', about: 'node' });
        health.staleSince = undefined;
        nodes.whole();
        if (lastState.synced()) followers.takenOver();
        else whole();
        void programmed.then(allInSync).then(() => {
          log.info('ready: all Services are programmed', { services: [...cluster.serviceKeys()].length });
          catchUp(undefined);
          memory.begin();
        });
      },
    }),
    stop.signal,
  );
  const watching =
    args.config === undefined ? [] : [(await import('./config.ts')).failOnConfigurationChange(args, log, stop.signal)];
  await Promise.race([following, ...watching]).finally(() => lastState.close().then(close));
}

/** For systemd; undefined while what is served is what the source has. */
function standInStatus({ staleSince }: StateReport): string | undefined {
  if (staleSince === undefined) return undefined;
  return `the Services as saved at ${new Date(staleSince).toISOString()} are programmed; the API server is awaited`;
}

/** Empty while what is served is what the source has. */
function standInNote({ staleSince }: StateReport): string {
  return staleSince === undefined ? '' : `, as saved at ${new Date(staleSince).toISOString()}: it cannot be reached`;
}

function forRules(node: Node | undefined): object | undefined {
  if (node === undefined) return undefined;
  const { unready: _isOfReadiness, ...rest } = node;
  return { ...rest, eligible: true };
}

interface Member {
  readonly model: FamilyModel;
  readonly nft: Nft;
  readonly syncer: FamilySyncer;
  readonly record: SyncRecord;
  /** Absent with --heartbeat=false. */
  readonly heart: Heartbeat | undefined;
}

/** A daemon that needs its own rules to reach the API server cannot repair them once they are lost. */
function warnOfOwnAddress(cluster: Cluster, apiServerHost: string | undefined, log: Log): void {
  for (const key of apiServerHost === undefined ? [] : cluster.serviceKeys()) {
    if (!cluster.service(key)?.clusterIps.some((address) => address === apiServerHost)) continue;
    log.warn(
      `the API server is reached through ${apiServerHost}, the ClusterIP of Service ${key} that this daemon programs: ` +
        'name the real address of the API server with --master',
    );
  }
}
