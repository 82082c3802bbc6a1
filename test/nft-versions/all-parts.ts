import assert from 'node:assert/strict';
import { readFound } from '../../src/cli/kernel-knowledge.ts';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { takeLimitCounts } from '../../src/nft/limit-counts.ts';
import { findTables, TABLE_NAMES } from '../../src/nft/tables.ts';
import type { ServiceOptions } from '../../src/objects/service-options.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import { serviceRow } from '../../src/status/service-rows.ts';
import { service, slice } from '../builders/objects.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, runSync } from '../netns/namespaces.ts';
import { endpoints, exampleCluster, LONG_NAME, STICKY, setEndpoints, WEB_PORTS } from './example-cluster.ts';
import { byHand, type NftVersion, nftOf } from './nft-version.ts';
import { adopt, assertNoComplaints, type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';

/*
 * All that a table can have beyond what every cluster needs: each option of the program, and Services with each annotation that
 * brings chains, sets, maps or counters of its own.
 */

/** Services with annotations, and what each requests. */
const OPTIONS: Readonly<Record<string, ServiceOptions>> = {
  // nft does not print a burst of 5, which is its default.
  limited: { limitPerSecond: 5 },
  'limited-local': { limitPerSecond: 100_000 },
  bounded: { maxConnections: 1000 },
  both: { limitPerSecond: 70, maxConnections: 7 },
  'by-client': { lbAlgorithm: 'client-hash' },
  'by-connection': { lbAlgorithm: 'connection-hash', limitPerSecond: 7 },
  ranges: { sourceRangesOnNodePorts: true, limitPerSecond: 8 },
};

const NODE_NETWORKS = {
  ip: {
    'all-sources': ['0.0.0.0/1', '128.0.0.0/1'],
    'node-port-networks': ['192.0.2.7/32', '198.51.100.0/24'],
    'node-port-clients': ['10.0.0.0/8', '192.0.2.0/25'],
    'service-cidrs': ['10.96.0.0/16'],
  },
  ip6: {
    'all-sources': ['::/1', '8000::/1'],
    'node-port-networks': ['2001:db8::7/128', '2001:db8:7::/64'],
    'node-port-clients': ['fd00::/8', '2001:db8::/33'],
    'service-cidrs': ['fd00:96::/112'],
  },
} as const;

function proxyOptions(family: Family): ProxyOptions {
  return {
    options: {
      masqueradeAll: false,
      localPods: { by: 'pod-cidrs', comeLater: true },
      localhostNodePorts: true,
      connectionCounters: true,
      nodePortClients: true,
      resetUnknown: true,
    },
    closesNodePorts: true,
    nodeNetworks: NODE_NETWORKS[family],
  };
}

/** What `nft list table` must show of a family's table, for the test to be one of all parts. */
const PARTS: readonly RegExp[] = [
  /^\tchain limit-\S+ \{$/m,
  /limit rate over 100000\/second/,
  /^\tset limit-\S+ \{$/m,
  /^\tcounter limited-\S+ \{$/m,
  /^\tcounter unlimited-\S+ \{$/m,
  /^\tcounter full-\S+ \{$/m,
  /ct count over 7 counter name "full-/,
  /^\tchain pick-client-hash-sctp-\d+ \{$/m,
  /^\tchain pick-connection-hash-udp-\d+ \{$/m,
  /^\tchain node-port-ranges-check \{$/m,
  /^\tmap admitted-node-ports \{$/m,
  /^\tset closed-node-ports \{$/m,
  /^\tchain filter-prerouting-unknown \{$/m,
  /^\tchain localhost-node-ports-check \{$/m,
  /numgen random mod \d+ < 3/,
  /^\tset affinity-\S+ \{$/m,
];

/**
 * Datagrams to a Service with session affinity and to some with a limit, of which one refuses most (a program's write fails
 * then). All addresses are the namespace's own, and nobody answers.
 */
const SEND = {
  ip: `ip link set lo up && ip address replace 10.77.0.1/8 dev lo
    for n in 40 51 53 $(printf '50 %.0s' $(seq 20)); do echo > /dev/udp/10.96.0.$n/53 || :; done`,
  ip6: `ip link set lo up && ip address replace fd00:77::1/128 dev lo && ip -6 route replace local fd00::/8 dev lo
    for n in 40 51 53 $(printf '50 %.0s' $(seq 20)); do echo > /dev/udp/fd00:96::$n/53 || :; done`,
} as const;

/** In a set: a client, and its token bucket. */
const CLIENT_WITH_LIMIT = /^\t\telements = \{ \S+ .*limit rate over 5\/second/m;

/** One version fills a table with all parts, lists it, changes it and finds it as its own again, and so does another. */
export async function allParts(writer: NftVersion, reader: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = clusterWithAll();
  for (const family of FAMILIES) {
    const options = proxyOptions(family);
    const filled = await startProxy(writer, kernel, family, cluster, options);
    for (const version of [writer, reader]) {
      assertListed(version, kernel, filled);
      await assertCounted(version, kernel, family);
      await assertRecognised(version, kernel, filled);
      await filled.assertInSync(version);
    }
    assertNoFaults(filled);
    filled.stop();

    const proxy = await adopt(reader, kernel, family, cluster, options);
    await changeAll(proxy, cluster, [writer, reader]);
    assertNoFaults(proxy);
    proxy.stop();
    (await adopt(writer, kernel, family, cluster, options)).stop();

    // Without any of it: all that came with Services goes with them, whoever wrote it.
    const plain = exampleCluster();
    const last = await startProxy(reader, kernel, family, plain, options);
    for (const version of [writer, reader]) {
      await last.assertInSync(version);
      const { stdout } = byHand(version, kernel, ['list', 'table', family, last.table()]);
      assert.doesNotMatch(stdout, /^\t(?:chain|set|counter) (?:limit|limited|unlimited|full)-/m);
    }
    assertNoFaults(last);
    last.stop();
  }
}

/** Listed as text and as JSON, with all parts and with a client in sets. */
function assertListed(version: NftVersion, kernel: TestKernel, { family, table }: RunningProxy): void {
  const list = () => byHand(version, kernel, ['list', 'table', family, table()]).stdout;
  const listed = list();
  for (const part of PARTS) assert.match(listed, part);
  // Clients are remembered for two seconds.
  let hasClient = false;
  for (let turn = 0; turn < 10 && !hasClient; turn++) {
    runSync(inNamespace(kernel.namespace, ['bash', '-c', SEND[family]]));
    hasClient = CLIENT_WITH_LIMIT.test(list());
  }
  assert.ok(hasClient, list());
  runSync(inNamespace(kernel.namespace, ['bash', '-c', SEND[family]]));
  byHand(version, kernel, ['-j', 'list', 'table', family, table()]);
  byHand(version, kernel, ['list', 'ruleset']);
}

/** What limits refused is read, and set to 0, as this version prints it. */
async function assertCounted(version: NftVersion, kernel: TestKernel, family: Family): Promise<void> {
  const nft = nftOf(version, kernel, family);
  const counts = await takeLimitCounts(nft, family, TABLE_NAMES[0]);
  assert.deepEqual(
    counts.map(({ result, service }) => `${result} ${service}`),
    ['limited default/limited'],
  );
  assert.deepEqual(await takeLimitCounts(nft, family, TABLE_NAMES[0]), []);
}

/** By the table alone: the program by its marker, and the limits of Services. */
async function assertRecognised(
  version: NftVersion,
  kernel: TestKernel,
  { family, model }: RunningProxy,
): Promise<void> {
  const nft = nftOf(version, kernel, family);
  const [table] = await findTables(nft, family);
  const found = table && (await readFound(family, table, nft));
  assert.equal(found?.program.marker, model.program.marker);
  const limitsOf = (frontends: readonly Frontend[]) =>
    frontends
      .map((frontend) => serviceRow(frontend))
      .filter(({ limits }) => limits !== undefined)
      .map(({ namespace, name, address, limits }) => [namespace, name, address, limits].join(' '))
      .sort();
  const keys = [...Object.keys(OPTIONS), STICKY].map((name) => `default/${name}`);
  const expected = limitsOf(keys.flatMap((key) => model.frontendsOf(key)));
  assert.ok(expected.length > 0);
  assert.deepEqual(
    limitsOf(found.frontends).filter((one) => one.startsWith('default ')),
    expected,
  );
}

/** More endpoints and fewer, other numbers, Services that lose what they requested and get it again. */
async function changeAll(proxy: RunningProxy, cluster: Cluster, versions: readonly NftVersion[]): Promise<void> {
  const names = [...Object.keys(OPTIONS), STICKY];
  const changes: readonly (() => readonly string[])[] = [
    ...[9, 2].map((count) => () => names.flatMap((name) => setEndpoints(cluster, count, name))),
    () => names.flatMap((name, i) => setOptions(cluster, name, { limitPerSecond: 10 + i, maxConnections: 20 + i })),
    () => names.flatMap((name) => setOptions(cluster, name, undefined)),
    () => names.flatMap((name) => setOptions(cluster, name, OPTIONS[name])),
  ];
  for (const change of changes) {
    await proxy.change([...new Set(change())]);
    await proxy.assertInSync();
  }
  for (const version of versions) await proxy.assertInSync(version);
}

function clusterWithAll(): Cluster {
  const cluster = exampleCluster();
  for (const [name, options] of Object.entries(OPTIONS)) {
    setOptions(cluster, name, options);
    setEndpoints(cluster, 5, name);
  }
  // Names of chains, sets and counters are cut.
  const port = { name: 'p'.repeat(15), protocol: 'tcp', port: 443 } as const;
  const long = { ...LONG_NAME, clusterIps: ['10.96.0.11', 'fd00:96::11'], ports: [port] };
  cluster.set(service({ ...long, options: { limitPerSecond: 3, maxConnections: 4 } }));
  // In slots, and in the rules of a Service with session affinity.
  for (const serviceName of ['outside', STICKY]) {
    const ports = WEB_PORTS.map((spec) => ({ ...spec, port: spec.port + 8000 }));
    cluster.set(
      slice([40, 41].flatMap(endpoints), { name: `${serviceName}-2`, serviceName, ports, options: { weight: 3 } }),
    );
  }
  return cluster;
}

function setOptions(cluster: Cluster, name: string, options: ServiceOptions | undefined): readonly string[] {
  const n = 50 + Object.keys(OPTIONS).indexOf(name);
  const affinity = name === STICKY ? { affinitySeconds: 300 } : {};
  return cluster.set(
    service({
      name,
      clusterIps: [`10.96.0.${n}`, `fd00:96::${n}`],
      ports: WEB_PORTS.map((spec, i) => ({ ...spec, nodePort: 31_000 + 10 * n + i })),
      sourceRanges: name === 'ranges' ? ['10.0.0.0/8', '192.0.2.1/32', '2001:db8::/32', 'fd00::1/128'] : [],
      externalIps: [`203.0.113.${n}`, `2001:db8::${n}`],
      externalLocal: name === 'limited-local',
      ...affinity,
      ...(options && { options }),
    }),
  );
}

/** That an annotation counts for nothing beside another is no fault. */
function assertNoFaults(proxy: RunningProxy): void {
  assertNoComplaints(proxy, /\((?:annotation|affinity-by-hash)\)/);
}
