import process from 'node:process';
import type { Arguments } from '../config/arguments.ts';
import { keepControl } from '../control/control-socket.ts';
import { lockNamespace } from '../control/namespace-lock.ts';
import { announceReadiness, isServing } from '../control/notify.ts';
import { kernelFamilies, servedFamilies } from '../host/families.ts';
import type { Log } from '../log.ts';
import { assertNoKubeProxy } from '../migration/live-proxies.ts';
import { waitForLeftovers } from '../nft/leftovers.ts';
import { createNft } from '../nft/nft.ts';
import { probeNft } from '../nft/probe.ts';
import { SessionKeeper } from '../nft/session-keeper.ts';
import { tellOfSlowTransactions } from '../nft/slow-transactions.ts';
import { VERSION } from '../version.ts';
import { answerTo } from './answers/answers.ts';
import { assemble, type Daemon } from './assemble.ts';
import { daemonFeed } from './daemon-feed.ts';
import type { StateReport } from './last-state.ts';
import { openSource } from './open-source.ts';
import { prepareNode } from './prepare-node.ts';
import { startServers } from './servers.ts';

/** Milliseconds between two looks at the addresses of this machine's interfaces. */
const ADDRESSES_INTERVAL = 5000;

/** Milliseconds between two reads of conntrack's loss counters: three small files. */
const LOSSES_INTERVAL = 5000;

/** Milliseconds between two reads of what the limits of Services have refused. */
const LIMITS_INTERVAL = 30_000;

/** Runs the daemon: source → cluster → model → kernel, until SIGTERM or SIGINT. The rules stay when it ends. */
export async function run(args: Arguments, log: Log): Promise<void> {
  const families = servedFamilies(log);
  // nft starts in the background, because the next steps do not need it. One session serves both families.
  const onSlow = (milliseconds: number) => void tellOfSlowTransactions(milliseconds, probe, log);
  const sessions = new SessionKeeper({ nft: 'nft', runDir: args.runDir, log, onSlow });
  const probe = createNft(args.runDir, 'probe', 'nft', sessions);
  const probing = probe.openSession(log).then(() => probeNft(probe, log));
  // The await below handles a failure. Until then, this keeps Node.js from reporting it as unhandled.
  probing.catch(() => undefined);
  const daemon = assemble({
    ...{ args, families, sessions, log },
    environment: process.env,
    openSource: (listeners) => openSource(args, process.env, log, listeners),
    onStandIn: () => stoodIn(),
  });
  const { source, cluster, members, health, memory, lastState, initialSync, progress } = daemon;
  await source.prepare();
  const lock = await lockNamespace(createNft(args.runDir, 'lock'), log);
  const hasKubeProxyRules = async () => {
    await probing;
    // Rarely needed.
    const { findRules, hasRules } = await import('../migration/find.ts');
    return hasRules(await findRules(createNft(args.runDir, 'probe'), kernelFamilies()));
  };
  if (!args.besideKubeProxy) await assertNoKubeProxy(hasKubeProxyRules, log);
  const control = await keepControl(args.runDir, (path) => answerTo(path, daemon.known(), args), log);
  await waitForLeftovers(args.runDir, log);
  progress.nftVersion = await probing;
  log.info('starting', {
    version: VERSION,
    nft: progress.nftVersion,
    node: args.nodeName,
    source: source.description,
  });
  // Tables are read or staged while the servers start and objects arrive.
  for (const { syncer } of members) void syncer.run(initialSync);
  daemon.heartbeats.start();
  lookAgainAndAgain(daemon);
  prepareNode(args, log);
  await startServers(args, { ...daemon, page: daemon.operator.page });

  const close = () => {
    control.close();
    lock.close();
    daemon.followers.close();
    daemon.heartbeats.stop();
    daemon.others.stop();
  };
  endOnSignals(() => lastState.close().then(close), log);
  const allInSync = () => Promise.all(members.map(({ syncer }) => syncer.whenInSync()));
  const programmed = initialSync.whenComplete.then(allInSync);
  const { promise: caughtUp, resolve: catchUp } = Promise.withResolvers<unknown>();
  void announceReadiness({
    programmed,
    isServing: () => isServing(args.runDir, families),
    progress: () => progress.transactions,
    standIn: () => standInStatus(lastState.report),
    caughtUp,
    log,
  });
  const onWhole = () => {
    daemon.guard.begin();
    for (const family of families) health.started(family);
    daemon.completeInitialSync();
    daemon.watch.begin();
  };
  const stoodIn = () => {
    health.staleSince = lastState.report.staleSince;
    onWhole();
    void programmed.then(() => log.info('the Services of the saved state are programmed'));
  };
  const onSynced = () => {
    void programmed.then(allInSync).then(() => {
      log.info('ready: all Services are programmed', { services: cluster.serviceCount });
      catchUp(undefined);
      memory.begin();
    });
  };
  const stop = new AbortController();
  const feed = daemonFeed(daemon, { onWhole, onSynced });
  const following = source.run(lastState.begin(feed), stop.signal);
  const watching = args.config === undefined ? [] : [failOnConfigurationChange(args, log, stop.signal)];
  await Promise.race([following, ...watching]).finally(() => lastState.close().then(close));
}

/** State that changes without any change in the cluster. */
function lookAgainAndAgain({ guard, losses, limits, others }: Daemon): void {
  setInterval(() => guard.look(), ADDRESSES_INTERVAL).unref();
  setInterval(() => losses.look(), LOSSES_INTERVAL).unref();
  setInterval(() => void limits.look(), LIMITS_INTERVAL).unref();
  others.start();
}

/** SIGTERM and SIGINT end the process once `close` is done. */
function endOnSignals(close: () => Promise<void>, log: Log): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: stopping; the rules stay in place`);
      // A transaction in flight is in nft's own process, which completes it.
      void close().then(() => process.exit(0));
    });
  }
}

/** Loads the YAML parser only for a daemon with a configuration file. */
async function failOnConfigurationChange(args: Arguments, log: Log, signal: AbortSignal): Promise<void> {
  const configuration = await import('./configuration-change.ts');
  await configuration.failOnConfigurationChange(args, log, signal);
}

/** A status for systemd; undefined while the daemon serves what the source has. */
function standInStatus({ staleSince }: StateReport): string | undefined {
  if (staleSince === undefined) return undefined;
  return `the Services as saved at ${new Date(staleSince).toISOString()} are programmed; the API server is awaited`;
}
