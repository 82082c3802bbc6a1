import type { Arguments } from '../config/arguments.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { Cluster } from '../service/cluster.ts';
import { atOnce } from '../service/steps.ts';
import type { ApiFailure } from '../source/api/failure.ts';
import { Shortfalls } from '../sync/shortfalls.ts';
import { Feed } from './feed.ts';
import { openSource } from './open-source.ts';
import { AddressGuard } from './watches/address-guard.ts';

/** Seconds that a request waits for a source to deliver the whole cluster. */
const SYNC_TIMEOUT = 20;

/** A cluster as read from a source. */
export interface ReadCluster {
  readonly cluster: Cluster;
  readonly shortfalls: Shortfalls;
  /** A description of the source: "manifests in /etc/…". */
  readonly description: string;
}

/**
 * Reads the whole cluster from the source that the flags or the environment name. `complete` may add missing objects.
 * @throws ProxyError E_NO_SOURCE if none is named, or what is wrong with it
 */
export async function readCluster(
  args: Arguments,
  log: Log,
  complete: (cluster: Cluster) => void = () => undefined,
): Promise<ReadCluster> {
  const stop = new AbortController();
  const last: { failure?: ApiFailure } = {};
  const onProblem = (problem: ApiFailure) => {
    last.failure = problem;
    // A server that does not answer may come back. One that refuses us will keep refusing.
    if (problem.status === 401 || problem.status === 403) stop.abort();
  };
  const { source, apiServerHost, apiServerPort } = openSource(args, process.env, log, { onProblem });
  const cluster = new Cluster(args.nodeName, args);
  const timer = setTimeout(() => stop.abort(), SYNC_TIMEOUT * 1000);
  let isWhole = false;
  const synced = () => {
    isWhole = true;
    stop.abort();
  };
  await source.run(new Feed({ cluster, args, listener: { synced } }), stop.signal);
  clearTimeout(timer);
  if (!isWhole) {
    const { failure } = last;
    if (failure !== undefined) throw new ProxyError(failure.code, failure.message.replace('; retrying', ''));
    throw new ProxyError(
      'E_API_UNREACHABLE',
      `${source.description} did not deliver all Services in ${SYNC_TIMEOUT} s`,
    );
  }
  complete(cluster);
  atOnce(cluster.settleNodesSteps());
  const shortfalls = new Shortfalls({ log });
  new AddressGuard({ cluster, args, shortfalls, apiServerHost, apiServerPort }).begin();
  return { cluster, shortfalls, description: source.description };
}
