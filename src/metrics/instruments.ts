import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import type Registry from 'prom-client/lib/registry.js';
import { DRIFT_ACTIONS, DRIFT_KINDS } from '../audit/drift.ts';
import type { ConntrackCounts } from '../conntrack/losses.ts';
import { HEARTBEAT_OUTCOMES } from '../heartbeat/heartbeat.ts';
import { FAMILY_NAMES, type Family } from '../ip.ts';
import { LIMIT_RESULTS } from '../ruleset/program/limits.ts';
import type { NoLocalEndpointsCount } from '../service/no-local-endpoints.ts';
import { SHORTFALL_REASONS, type ShortfallReason } from '../service/shortfall.ts';
import type { PendingChanges } from './pending-changes.ts';

/** In milliseconds since 1970. */
export interface SavedStateTimes {
  /** Since when the rules have come from the saved state; undefined: they do not. */
  readonly servedSince: number | undefined;
  /** When the state on disk was last known to be correct; 0: there is none. */
  readonly savedAt: number;
}

/** Values that are not recorded but read at each scrape. */
export interface MetricSources {
  readonly services: PendingChanges;
  readonly endpoints: PendingChanges;
  noLocalEndpoints(family: Family): NoLocalEndpointsCount;
  /** How many objects are not served as specified, for a reason. */
  shortfalls(reason: ShortfallReason): number;
  savedState(): SavedStateTimes;
  /** The counts of the kernel's conntrack; undefined if it does not report them. */
  conntrack(): ConntrackCounts | undefined;
  /** Milliseconds that the oldest change of a family has been waiting to take effect; 0: none is waiting. */
  waiting(family: Family): number;
  /** Milliseconds that a list or watch of the API server has been failing; 0: none fails. */
  apiFailing(): number;
  /** Rejected packets by protocol ("UDP") since the table was created; undefined: as at the last scrape. */
  rejected(family: Family): Promise<Readonly<Record<string, number>> | undefined>;
}

const range = (from: number, to: number, step: number) =>
  Array.from({ length: (to - from) / step + 1 }, (_, index) => from + index * step);

/** Seconds: 1 ms, doubled up to 16.384 s. */
const SYNC_BUCKETS = range(0, 14, 1).map((power) => 2 ** power / 1000);

/** Seconds. kube-proxy has the 0, too. */
const PROGRAMMING_BUCKETS = [0, 0.25, 0.5, ...range(1, 59, 1), ...range(60, 115, 5), ...range(120, 300, 30)];

const SYNC = 'kubeproxy_sync_proxy_rules';
const LOCALHOST = 'kubeproxy_nftables_localhost_nodeport';

export type Instruments = ReturnType<typeof defineInstruments>;

/**
 * Adds the metrics of the proxy to a registry, with the value 0 for each known label value. Names, labels and buckets are
 * those of kube-proxy 1.37 in nftables mode. Only kubeproxy_nft_* are ours.
 */
export function defineInstruments(registry: Registry, families: readonly Family[], sources: MetricSources) {
  const registers = [registry];
  const labelNames = ['ip_family'] as const;
  const all = families.map((family) => ({ ip_family: FAMILY_NAMES[family] }));
  const counter = (name: string, help: string) => {
    const made = new Counter({ name, help, labelNames, registers });
    for (const labels of all) made.inc(labels, 0);
    return made;
  };
  /** Often set, and seldom read, so labels are looked up at a scrape. */
  const gauge = (name: string, help: string): { set(family: Family, value: number): void } => {
    const values = new Map(families.map((family) => [family, 0]));
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const [family, value] of values) this.set({ ip_family: FAMILY_NAMES[family] }, value);
      },
    });
    return { set: (family, value) => void values.set(family, value) };
  };
  const histogram = (name: string, help: string, buckets = SYNC_BUCKETS) => {
    const made = new Histogram({ name, help, labelNames, registers, buckets });
    for (const labels of all) made.zero(labels);
    return made;
  };
  const probes = (name: string, help: string) => {
    const made = new Counter({ name, help, labelNames: ['code'], registers });
    for (const code of ['200', '503']) made.inc({ code }, 0);
    return made;
  };
  const drift = new Counter({
    name: 'kubeproxy_nft_drift_total',
    help: 'Things of kube-proxy-nft in the kernel that another program deleted, changed or added, by kind and action.',
    labelNames: ['ip_family', 'kind', 'action'],
    registers,
  });
  for (const labels of all) {
    for (const kind of DRIFT_KINDS) for (const action of DRIFT_ACTIONS) drift.inc({ ...labels, kind, action }, 0);
  }
  addWaiting(registry, families, sources);
  addApiFailing(registry, sources);
  addChangeMetrics(registry, 'endpoint', sources.endpoints);
  addChangeMetrics(registry, 'service', sources.services);
  addNoLocalEndpoints(registry, families, sources);
  addRejectedPackets(registry, families, sources);
  addShortfalls(registry, sources);
  addSavedState(registry, sources);
  addConntrack(registry, sources);
  return {
    sync: histogram(`${SYNC}_duration_seconds`, 'Time to bring the kernel up to date.'),
    fullSync: histogram(
      'kubeproxy_sync_full_proxy_rules_duration_seconds',
      'Time to read all rules from the kernel, or build them anew.',
    ),
    partialSync: histogram(
      'kubeproxy_sync_partial_proxy_rules_duration_seconds',
      'Time to write what changed to the kernel.',
    ),
    networkProgramming: histogram(
      'kubeproxy_network_programming_duration_seconds',
      'Time from the change of a Pod or Service until the kernel has it.',
      PROGRAMMING_BUCKETS,
    ),
    lastSynced: gauge(`${SYNC}_last_timestamp_seconds`, 'When the kernel was last known to be up to date.'),
    lastQueued: gauge(`${SYNC}_last_queued_timestamp_seconds`, 'When the daemon last found something to program.'),
    syncFailures: counter(`${SYNC}_nftables_sync_failures_total`, 'Times the kernel could not be brought up to date.'),
    cleanupFailures: counter(
      `${SYNC}_nftables_cleanup_failures_total`,
      'Times something that is no longer needed could not be deleted.',
    ),
    conntrack: histogram(
      'kubeproxy_conntrack_reconciler_sync_duration_seconds',
      'Time to find and delete stale UDP entries of conntrack.',
    ),
    conntrackDeleted: counter(
      'kubeproxy_conntrack_reconciler_deleted_entries_total',
      'Stale UDP entries of conntrack that were deleted.',
    ),
    goneConnections: counter(
      'kubeproxy_nft_gone_endpoint_connections_total',
      'TCP connections that were removed from conntrack because their endpoint is gone.',
    ),
    localhostListeners: gauge(`${LOCALHOST}_listeners`, 'Sockets for node ports on loopback addresses.'),
    localhostFailures: counter(
      `${LOCALHOST}_listener_creation_failures_total`,
      'Times a socket for a node port on a loopback address could not be opened.',
    ),
    healthz: probes('kubeproxy_proxy_healthz_total', 'Answers to /healthz by status code.'),
    livez: probes('kubeproxy_proxy_livez_total', 'Answers to /livez by status code.'),
    apiRequests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server by method, host and status code ("<error>": no answer).',
      labelNames: ['code', 'method', 'host'],
      registers,
    }),
    elements: gauge('kubeproxy_nft_elements', 'Elements of all sets and maps.'),
    operations: counter('kubeproxy_nft_element_operations_total', 'Elements added and deleted.'),
    drift,
    lastAudit: gauge(
      'kubeproxy_nft_last_audit_timestamp_seconds',
      'When everything in the kernel was last compared with the model, from end to end.',
    ),
    ruleDifferences: gauge(
      'kubeproxy_nft_rule_differences',
      'Rules, hooks and chains in the kernel that differed from the model at the last comparison.',
    ),
    heartbeats: heartbeatCounter(registry, families),
    repairs: counter(
      'kubeproxy_nft_repairs_total',
      'Times something of kube-proxy-nft in the kernel was missing or changed.',
    ),
  };
}

function heartbeatCounter(registry: Registry, families: readonly Family[]) {
  const made = new Counter({
    name: 'kubeproxy_nft_heartbeats_total',
    help: 'Heartbeats through the rules, by outcome: well, lost (it met no rule) or unknown (it did not arrive).',
    labelNames: ['ip_family', 'outcome'],
    registers: [registry],
  });
  for (const family of families) {
    for (const outcome of HEARTBEAT_OUTCOMES) made.inc({ ip_family: FAMILY_NAMES[family], outcome }, 0);
  }
  return made;
}

function addWaiting(registry: Registry, families: readonly Family[], sources: MetricSources): void {
  new Gauge({
    name: 'kubeproxy_nft_change_waiting_seconds',
    help: 'How long the oldest change that is not in force has been waiting; 0: none is waiting.',
    labelNames: ['ip_family'],
    registers: [registry],
    collect() {
      for (const family of families) this.set({ ip_family: FAMILY_NAMES[family] }, sources.waiting(family) / 1000);
    },
  });
}

function addApiFailing(registry: Registry, sources: MetricSources): void {
  new Gauge({
    name: 'kubeproxy_nft_api_failing_seconds',
    help: 'How long a list or watch of the API server has been failing; 0: none fails.',
    registers: [registry],
    collect() {
      this.set(sources.apiFailing() / 1000);
    },
  });
}

function addChangeMetrics(registry: Registry, kind: 'endpoint' | 'service', changes: PendingChanges): void {
  const noun = kind === 'endpoint' ? 'EndpointSlices' : 'Services';
  new Gauge({
    name: `${SYNC}_${kind}_changes_pending`,
    help: `Changes to ${noun} that are not in force yet.`,
    registers: [registry],
    collect() {
      this.set(changes.pending);
    },
  });
  new Counter({
    name: `${SYNC}_${kind}_changes_total`,
    help: `Changes to ${noun} seen.`,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(changes.total);
    },
  });
}

function addNoLocalEndpoints(registry: Registry, families: readonly Family[], sources: MetricSources): void {
  new Gauge({
    name: `${SYNC}_no_local_endpoints_total`,
    help: 'Ports of Services with policy Local that have endpoints, but none on this node.',
    labelNames: ['ip_family', 'traffic_policy'],
    registers: [registry],
    collect() {
      for (const family of families) {
        for (const [policy, count] of Object.entries(sources.noLocalEndpoints(family))) {
          this.set({ ip_family: FAMILY_NAMES[family], traffic_policy: policy }, count);
        }
      }
    },
  });
}

function addRejectedPackets(registry: Registry, families: readonly Family[], sources: MetricSources): void {
  new Counter({
    name: `${LOCALHOST}_rejected_packets_total`,
    help: 'Packets to node ports on loopback addresses that were rejected since the table was created.',
    labelNames: ['ip_family', 'protocol'],
    registers: [registry],
    async collect() {
      for (const family of families) {
        for (const [protocol, count] of Object.entries((await sources.rejected(family)) ?? {})) {
          const labels = { ip_family: FAMILY_NAMES[family], protocol };
          this.remove(labels);
          this.inc(labels, count);
        }
      }
    },
  });
}

/** Connections that limits of Services refused, or should have refused. */
export function limitedConnections(registry: Registry, families: readonly Family[]) {
  const made = new Counter({
    name: 'kubeproxy_nft_limited_connections_total',
    help: 'New connections to Services with limits: refused (limited, full), or served without a limit (unlimited).',
    labelNames: ['ip_family', 'result'],
    registers: [registry],
  });
  for (const family of families) {
    for (const result of LIMIT_RESULTS) made.inc({ ip_family: FAMILY_NAMES[family], result }, 0);
  }
  return made;
}

function addShortfalls(registry: Registry, sources: MetricSources): void {
  new Gauge({
    name: 'kubeproxy_nft_shortfalls',
    help: 'Services (and ServiceCIDRs) that are not served as specified, by reason.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      for (const reason of SHORTFALL_REASONS) this.set({ reason }, sources.shortfalls(reason));
    },
  });
}

function addSavedState(registry: Registry, sources: MetricSources): void {
  const time = (name: string, help: string, read: (times: SavedStateTimes) => number) =>
    new Gauge({
      name: `kubeproxy_nft_state_${name}_timestamp_seconds`,
      help,
      registers: [registry],
      collect() {
        this.set(read(sources.savedState()) / 1000);
      },
    });
  time(
    'served_since',
    'Since when the rules have come from the saved state; 0: they do not.',
    ({ servedSince = 0 }) => servedSince,
  );
  time('saved', 'When the state on disk was last known to be correct; 0: none was saved.', ({ savedAt }) => savedAt);
}

function addConntrack(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  new Counter({
    name: 'kubeproxy_nft_conntrack_lost_packets_total',
    help: 'First packets of connections that conntrack lost in this network namespace, by its own counter.',
    labelNames: ['counter'],
    registers,
    collect() {
      const { drop, insertFailed } = sources.conntrack() ?? { drop: 0, insertFailed: 0 };
      this.reset();
      this.inc({ counter: 'drop' }, drop);
      this.inc({ counter: 'insert_failed' }, insertFailed);
    },
  });
  const gauge = (name: string, help: string, read: (counts: ConntrackCounts) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const counts = sources.conntrack();
        this.set(counts === undefined ? 0 : read(counts));
      },
    });
  gauge(
    'kubeproxy_nft_conntrack_entries',
    'Connections that conntrack knows in this network namespace.',
    (counts) => counts.entries,
  );
  gauge(
    'kubeproxy_nft_conntrack_entries_limit',
    'The maximum number of these connections (nf_conntrack_max); 0: not known.',
    (counts) => counts.limit,
  );
}
