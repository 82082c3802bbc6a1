import assert from 'node:assert/strict';
import type { Drift } from '../../src/audit/drift.ts';
import type { Family } from '../../src/ip.ts';
import type { Nft } from '../../src/nft/nft.ts';
import type { NetworkSet } from '../../src/ruleset/model/ruleset.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import type { SyncResult } from '../../src/sync/observer.ts';
import { eventually } from '../builders/eventually.ts';
import { clusterWith } from '../builders/models.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { type SyncerSettings, startSyncer } from '../builders/syncers.ts';
import type { TestKernel } from '../netns/kernel.ts';

export const TABLE = 'kube-proxy-nft';

const PREFIXES: Readonly<Record<Family, string>> = { ip: '10.32.0.', ip6: 'fd00:32::' };

/** An address of a family: of Services, of the outside. */
const SERVICE: Readonly<Record<Family, string>> = { ip: '10.96.0.', ip6: 'fd00:96::' };
const OUTSIDE: Readonly<Record<Family, string>> = { ip: '203.0.113.', ip6: '2001:db8::' };

const NETWORKS: Readonly<Record<Family, Readonly<Record<NetworkSet, readonly string[]>>>> = {
  ip: {
    'pod-cidrs': ['10.32.0.0/16'],
    'all-sources': ['0.0.0.0/1', '128.0.0.0/1'],
    'node-port-networks': ['192.0.2.0/24'],
    'node-port-clients': [],
    'service-cidrs': ['10.96.0.0/12'],
  },
  ip6: {
    'pod-cidrs': ['fd00:32::/64'],
    'all-sources': ['::/1', '8000::/1'],
    'node-port-networks': ['2001:db8:1::/48'],
    'node-port-clients': [],
    'service-cidrs': ['fd00:96::/108'],
  },
};

/** Services that put something into every set and map of a family: every protocol, every policy, source ranges, affinity. */
export function richCluster(family: Family): Cluster {
  const cluster = clusterWith();
  const [pods, services, outside] = [PREFIXES[family], SERVICE[family], OUTSIDE[family]];
  const ports = (['tcp', 'udp', 'sctp'] as const).map((protocol, i) => ({
    name: protocol,
    protocol,
    port: 80 + i,
    nodePort: 30_080 + i,
  }));
  const slicePorts = ports.map(({ name, protocol }, i) => ({ name, protocol, port: 8080 + i }));
  const endpoints = (first: number) => [
    ready(`${pods}${first}`),
    ready(`${pods}${first + 1}`, { nodeName: NODE_NAME }),
    ready(`${pods}${first + 2}`, { nodeName: NODE_NAME }),
  ];
  const add = (name: string, n: number, changes: Parameters<typeof service>[0]) => {
    cluster.set(service({ name, clusterIps: [`${services}${n}`], ports, ...changes }));
    const own = ports.map(({ name: port, protocol }, i) => ({ name: port, protocol, port: slicePorts[i]?.port ?? 0 }));
    cluster.set(slice(endpoints(n * 5), { name: `${name}-1`, serviceName: name, ports: own }));
  };
  const nodePorts = (offset: number) => ports.map((port) => ({ ...port, nodePort: port.nodePort + offset }));
  add('web', 1, { type: 'LoadBalancer', ports: nodePorts(0), externalIps: [`${outside}1`] });
  add('local', 2, {
    type: 'LoadBalancer',
    ports: nodePorts(10),
    loadBalancerIps: [`${outside}2`],
    sourceRanges: family === 'ip' ? ['198.51.100.0/24', '192.0.2.7/32'] : ['2001:db8:2::/48'],
    externalLocal: true,
  });
  add('ranges', 3, {
    type: 'LoadBalancer',
    ports: nodePorts(20),
    loadBalancerIps: [`${outside}3`],
    sourceRanges: family === 'ip' ? ['198.51.100.0/24'] : ['2001:db8:2::/48'],
    options: { sourceRangesOnNodePorts: true },
  });
  add('sticky', 4, { affinitySeconds: 10_800, ports: nodePorts(30) });
  cluster.set(service({ name: 'empty', clusterIps: [`${services}9`] }));
  return cluster;
}

/** A syncer of that cluster in a kernel; `drifts`: what it was told of, `operations`: the elements it has written since the start. */
export async function startRichProxy(
  kernel: TestKernel,
  {
    family = 'ip' as Family,
    cluster = richCluster(family),
    nft = kernel.nft(family),
    ...options
  }: SyncerSettings & { family?: Family; cluster?: Cluster; nft?: Nft } = {},
) {
  const drifts: Drift[] = [];
  const rounds: number[] = [];
  const written = { operations: 0, audits: 0, onSuccess: (_: readonly string[]) => {} };
  const paces = { rules: 0, deletions: 0, listings: 0 };
  const observer = {
    compared: (_: unknown, every: number) => {
      paces.listings++;
      paces.rules = every;
    },
    noticesDeletions: (every: number) => {
      paces.deletions = every;
    },
    drifted: (drift: Drift) => void drifts.push(drift),
    audited: (round: number | undefined) => {
      written.audits++;
      if (round !== undefined) rounds.push(round);
    },
    succeeded: ({ operations, services }: Pick<SyncResult, 'operations' | 'services'>) => {
      written.operations += operations;
      written.onSuccess(services);
    },
  };
  const program = { localPods: { by: 'pod-cidrs', comeLater: true }, localhostNodePorts: true } as const;
  const model = { program, networks: NETWORKS[family] };
  const proxy = startSyncer(nft, cluster, { family, observer, model, ...options });
  const { syncer, lines } = proxy;
  await syncer.whenInSync();
  written.operations = 0;
  const listing = () => kernel.listing(family, syncer.table ?? TABLE);
  return {
    ...proxy,
    drifts,
    written,
    /** How long each round over all elements took, in milliseconds. */
    rounds,
    /** Milliseconds from one listing of the rules to the next, and within which a deleted one is noticed; listings so far. */
    paces,
    listing,
    /** Waits until the kernel lists just this again. */
    becomes: (before: string) =>
      eventually(
        () => listing() === before,
        () => `${lines.join('\n')}\n${listing()}`,
      ),
    /** Waits until so many elements were written since the start, and sees that it were no more. */
    wrote: async (count: number) => {
      await eventually(
        () => written.operations >= count,
        () => `${written.operations} of ${count}\n${lines.join('\n')}`,
      );
      assert.equal(written.operations, count);
    },
    byHand: (...args: readonly string[]) => {
      const { stderr } = kernel.byHand(...args);
      if (stderr !== '') throw new Error(`nft ${args.join(' ')}: ${stderr}`);
    },
  };
}
