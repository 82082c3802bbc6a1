import Registry from 'prom-client/lib/registry.js';
import type { ConntrackCounts } from '../conntrack/losses.ts';
import { messageOf, ProxyError } from '../errors.ts';
import { FAMILY_NAMES, type Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { LimitResult } from '../ruleset/program/limits.ts';
import type { Shortfalls } from '../sync/shortfalls.ts';
import { addConnectionMetrics, type ConnectionMetricsOptions } from './connection-metrics.ts';
import { type Clock, type FamilyMetrics, familyMetrics } from './family-metrics.ts';
import { defineInstruments, limitedConnections, type SavedStateTimes } from './instruments.ts';
import { NetworkProgramming } from './network-programming.ts';
import { NoLocalEndpoints } from './no-local-endpoints.ts';
import { PendingChanges } from './pending-changes.ts';
import { addProcessMetrics } from './process-metrics.ts';

/** Packets to node ports on loopback addresses that were rejected since the table was made. */
interface RejectedPackets {
  readonly udp: number;
  readonly sctp: number;
}

export interface MetricsOptions {
  /** Those that are programmed; others have no metrics. */
  readonly families: readonly Family[];
  readonly log: Log;
  /** Called at each scrape: how much is not served as specified. Default: nothing. */
  readonly shortfalls?: Pick<Shortfalls, 'count'>;
  /** Called at each scrape: the times of the saved state, in milliseconds since 1970. Default: there is none. */
  readonly savedState?: () => SavedStateTimes;
  /** Called at each scrape: the counts of the kernel's conntrack. Default: none. */
  readonly conntrack?: () => ConntrackCounts | undefined;
  /** Called at each scrape. If it rejects, the numbers of the previous scrape stay. */
  readonly readLocalhostRejected?: (family: Family) => Promise<RejectedPackets>;
  /** Called at each scrape for new connections. Default: there is no metric for them. */
  readonly connections?: ConnectionMetricsOptions | undefined;
  /** A clock other than the system's, for tests. */
  readonly clock?: Clock;
}

/** All metrics of this process. docs/metrics.md lists them. */
export interface Metrics {
  /** All of them in Prometheus' text format, and its HTTP content type. Simultaneous scrapes share one. */
  render(): Promise<string>;
  readonly contentType: string;
  /** What is noted of one of the families that are programmed. */
  family(family: Family): FamilyMetrics;
  /** Notes connections to Services with limits. */
  limited(family: Family, result: LimitResult, connections: number): void;
  /** Notes that a Service was added, changed or deleted. */
  serviceChanged(): void;
  /** Notes that a slice was added or changed; without one, that a slice was deleted. */
  endpointsChanged(slice?: EndpointSlice): void;
  /** Notes what a probe of the health server was answered. */
  probed(path: 'healthz' | 'livez', status: number): void;
  /** Notes a request to the API server at `host` ("10.0.0.1:6443") and the status of its answer, if there was one. */
  apiRequest(method: string, host: string, status: number | undefined): void;
  /** Notes that a list or watch of the API server has begun to fail, or that none fails any more. */
  apiWorks(works: boolean): void;
}

const SYSTEM_CLOCK: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

/** Creates the metrics in a registry of their own. Network programming is measured from this moment. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { families, log, shortfalls, savedState, readLocalhostRejected, clock = SYSTEM_CLOCK } = options;
  const registry = new Registry();
  const services = new PendingChanges(families);
  const endpoints = new PendingChanges(families);
  const programming = new NetworkProgramming(families, clock.now(), (family, seconds) =>
    instruments.networkProgramming.observe({ ip_family: FAMILY_NAMES[family] }, seconds),
  );
  const noLocalEndpoints = { ip: new NoLocalEndpoints(), ip6: new NoLocalEndpoints() };
  const instruments = defineInstruments(registry, families, {
    services,
    endpoints,
    noLocalEndpoints: (family) => noLocalEndpoints[family].total,
    shortfalls: (reason) => shortfalls?.count(reason) ?? 0,
    savedState: savedState ?? (() => ({ servedSince: undefined, savedAt: 0 })),
    conntrack: options.conntrack ?? (() => undefined),
    waiting: (family) => ofFamily.get(family)?.waiting ?? 0,
    apiFailing: () => (apiFailingSince === undefined ? 0 : clock.elapsed() - apiFailingSince),
    rejected: rejectedReader(readLocalhostRejected, log),
  });
  addProcessMetrics(registry);
  const limited = limitedConnections(registry, families);
  if (options.connections !== undefined) addConnectionMetrics(registry, options.connections, log);
  const trackers = [services, endpoints, programming];
  const ofFamily = new Map(
    families.map((family) => [family, familyMetrics(family, instruments, noLocalEndpoints[family], trackers, clock)]),
  );
  let apiFailingSince: number | undefined;
  let rendering: Promise<string> | undefined;
  return {
    render: () => {
      rendering ??= registry.metrics().finally(() => {
        rendering = undefined;
      });
      return rendering;
    },
    contentType: registry.contentType,
    family: (family) => {
      const found = ofFamily.get(family);
      if (found === undefined)
        throw new ProxyError('E_INTERNAL', `no metrics for family ${family}: it is not programmed`);
      return found;
    },
    limited: (family, result, count) => limited.inc({ ip_family: FAMILY_NAMES[family], result }, count),
    serviceChanged: () => services.seen(),
    endpointsChanged: (slice) => {
      endpoints.seen();
      if (slice !== undefined) programming.sliceChanged(slice);
    },
    probed: (path, status) => instruments[path].inc({ code: `${status}` }),
    apiRequest: (method, host, status) => instruments.apiRequests.inc({ method, host, code: `${status ?? '<error>'}` }),
    apiWorks: (works) => {
      apiFailingSince = works ? undefined : clock.elapsed();
    },
  };
}

/** By protocol as Kubernetes writes it. A failure is logged once, until it works again. */
function rejectedReader(read: MetricsOptions['readLocalhostRejected'], log: Log) {
  let works = true;
  return async (family: Family): Promise<Record<string, number> | undefined> => {
    if (read === undefined) return { UDP: 0, SCTP: 0 };
    try {
      const { udp, sctp } = await read(family);
      works = true;
      return { UDP: udp, SCTP: sctp };
    } catch (error) {
      if (works) log.warn(`the metrics of rejected packets are not up to date: ${messageOf(error)}`, { family });
      works = false;
      return undefined;
    }
  };
}
