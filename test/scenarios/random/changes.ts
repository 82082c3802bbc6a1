import * as fc from 'fast-check';
import { OTHER_NODE, type Target, THIS_NODE } from '../runner/cast.ts';
import { node, otherNode, type Port, type RawObject, service, serviceCidr, slices } from '../runner/objects.ts';
import { type Draft, drafts } from './connections.ts';
import { endpointsArbitrary, PORTS } from './endpoints.ts';
import { SLOW_START } from './slow-starts.ts';

/** One event of a source: objects that come or take another's place, or "Kind/name" of those that go. */
type Change = { readonly set: readonly RawObject[] } | { readonly remove: readonly string[] };

/** What happens to the node at a time, and the connections that are tried then. */
export interface Step {
  readonly changes: readonly Change[];
  /** The daemon ends before the changes, and another one finds them and its rules: with other flags, if there are any. */
  readonly restart: { readonly flags?: readonly string[] } | undefined;
  /** Eighths of the time of a slow start that pass before, where an endpoint may begin slowly. */
  readonly eighths: number;
  readonly connections: readonly Draft[];
}

// Few names, addresses and ports: Services claim what others have, slices hold the same endpoints, objects come back.
const NAMES = ['api', 'db', 'dns', 'web'] as const;
const names = fc.constantFrom(...NAMES);
const suffixes = fc.constantFrom('', '', '', '-2', '-3');

const DUAL: readonly string[] = ['--cluster-cidr', '10.32.0.0/15,fd00:32::/31'];

/** Command lines that differ in what they make of connections. */
const FLAGS: readonly (readonly string[])[] = [
  DUAL,
  [],
  [...DUAL, '--masquerade-all'],
  [...DUAL, '--feature-gates', 'AllowServiceExternalIPs=false'],
  [...DUAL, '--nodeport-addresses', 'all'],
  [...DUAL, '--nodeport-addresses', 'localhost,primary'],
  ['--cluster-cidr', '10.32.0.0/16', '--nodeport-addresses', '198.51.100.0/24,203.0.113.0/27'],
  ['--detect-local-mode', 'NodeCIDR', '--nodeport-addresses', '0.0.0.0/0,2001:db8:3::/64,fd00:32::1/128'],
  ['--detect-local-mode', 'InterfaceNamePrefix', '--pod-interface-name-prefix', 'pod'],
  ['--detect-local-mode', 'BridgeInterface', '--pod-bridge-interface', 'pods'],
  [...DUAL, '--source-ranges-on-node-ports'],
  [...DUAL, '--source-ranges-on-node-ports', '--node-port-source-ranges', '192.0.2.0/24,10.32.0.0/16,fd00:32::/31'],
  [...DUAL, '--nodeport-addresses', 'all', '--node-port-source-ranges', '198.18.0.0/15,0.0.0.0/0'],
  [...DUAL, '--reset-gone-endpoints'],
  [...DUAL, '--read-cilium-annotations'],
  [...DUAL, '--skip-unreachable-nodes', '--nodeport-addresses', 'all', '--masquerade-all', '--reset-gone-endpoints'],
  [
    ...['--detect-local-mode', 'NodeCIDR', '--skip-unreachable-nodes', '--read-cilium-annotations'],
    ...['--source-ranges-on-node-ports', '--node-port-source-ranges', '192.0.2.0/24,10.32.0.0/16,fd00:32::/31'],
  ],
];

/** The flags of a run's first daemon. What they add counts where other objects use it. */
export const FIRST_FLAGS: readonly string[] = [...DUAL, '--skip-unreachable-nodes', '--read-cilium-annotations'];

/** True once in `n` times. */
const seldom = (n: number) => fc.nat(n - 1).map((draw) => draw === n - 1);

const RANGES = [
  ...['192.0.2.0/24', '192.0.2.100/32', '198.18.0.0/15', '10.0.0.0/8', '10.32.0.0/16', '203.0.113.0/24'],
  ...['2001:db8:2::/64', '2001:db8:2::100/128', '2001:db8::/32', 'fd00:32::/31', 'fd00:33::/64', '::/0'],
];

const ports: fc.Arbitrary<readonly Port[]> = fc
  .tuple(
    fc.subarray([...PORTS], { minLength: 1 }),
    fc.array(fc.constantFrom(undefined, 30080, 30081, 30082), { minLength: PORTS.length, maxLength: PORTS.length }),
    seldom(20),
  )
  .map(([chosen, nodePorts, none]) =>
    none ? [] : chosen.map((port, i) => ({ ...port, ...(nodePorts[i] !== undefined && { nodePort: nodePorts[i] }) })),
  );

const clusterIps: fc.Arbitrary<{ readonly target: Target | null; readonly families: readonly number[] }> = fc.record({
  target: fc.oneof(
    { weight: 11, arbitrary: fc.constantFrom<Target>('cluster-ip', 'cluster-ip-2', 'cluster-ip-3') },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  families: fc.oneof(
    { weight: 6, arbitrary: fc.constant([0, 1]) },
    { weight: 2, arbitrary: fc.constantFrom([0], [1]) },
  ),
});

/** Mostly none. */
const some = <T>(list: readonly T[]) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, { weight: 3, arbitrary: fc.subarray([...list]) });

const limits = (limit: string | undefined, maxConnections?: string) => ({
  ...(limit !== undefined && { 'kube-proxy-nft/limit': limit }),
  ...(maxConnections !== undefined && { 'kube-proxy-nft/max-connections': maxConnections }),
});

const LIMITS: readonly object[] = [
  // More than anybody here reaches: what they bring is to change nothing else.
  ...[limits('90000/s'), limits(undefined, '900'), limits('90000/s', '900')],
  ...[limits('1/s'), limits(undefined, '1'), limits('1/s', '1'), limits('90000/s', '1'), limits('1/s', '900')],
];

/** Also beside a valid one, which counts. */
const WRONG_LIMITS: readonly object[] = [
  ...[limits('0/s'), limits('1'), limits('100001/s', '900'), limits('1/min', '1')],
  ...[limits(undefined, '0'), limits(undefined, '1001'), limits('1/s', 'one'), limits('90000/s', '1/s')],
];

const services: fc.Arbitrary<RawObject> = fc
  .record({
    name: names,
    createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
    clusterIps,
    ports,
    externalIps: some<Target>(['external-ip', 'external-ip-2', 'lb-ip', 'second-ip', 'cluster-ip']),
    loadBalancerIps: some<Target>(['lb-ip', 'lb-ip-2', 'lb-ip-here', 'external-ip', 'cluster-ip', 'cluster-ip-2']),
    isProxied: seldom(8),
    ranges: some(RANGES),
    externalLocal: fc.boolean(),
    internalLocal: seldom(3),
    affinity: fc.constantFrom(undefined, undefined, undefined, {}, { timeoutSeconds: 600 }),
    onNodePorts: fc.constantFrom(...[undefined, undefined, undefined, 'true', 'true', 'false', 'false'], 'yes'),
    limits: fc.oneof(
      { weight: 4, arbitrary: fc.constant({}) },
      { weight: 5, arbitrary: fc.constantFrom(...LIMITS) },
      { weight: 1, arbitrary: fc.constantFrom(...WRONG_LIMITS) },
    ),
    cilium: fc.constantFrom(...[undefined, undefined, undefined, undefined], 'maglev', 'random', 'magle'),
    algorithm: fc.constantFrom(...[undefined, undefined, undefined], 'client-hash', 'connection-hash', 'round-robin'),
    slowStart: fc.constantFrom(...[undefined, undefined], SLOW_START, SLOW_START, SLOW_START, '8 eighths'),
    // What it does to connections that are open is in test/traffic/gone-endpoints.test.ts: new ones do not mind it.
    resets: fc.constantFrom(...[undefined, undefined, undefined], 'true', 'false', 'yes'),
    isOthers: seldom(12),
    isName: seldom(16),
    spillOver: fc.constantFrom(...[undefined, undefined, undefined], '20%', '50%', '80%', '100%', '0%'),
  })
  .map((parts) => {
    const made = service(parts.name, {
      clusterIp: parts.clusterIps.target,
      createdAt: parts.createdAt,
      ports: parts.ports,
      externalIps: parts.externalIps,
      loadBalancerIps: parts.loadBalancerIps,
      ...(parts.isProxied && { ipMode: 'Proxy' as const }),
      labels: parts.isOthers ? { 'service.kubernetes.io/service-proxy-name': 'other' } : {},
      annotations: {
        ...(parts.onNodePorts !== undefined && { 'kube-proxy-nft/source-ranges-on-node-ports': parts.onNodePorts }),
        ...(parts.spillOver !== undefined && { 'kube-proxy-nft/zone-spill-over': parts.spillOver }),
        ...parts.limits,
        ...(parts.cilium !== undefined && { 'service.cilium.io/lb-algorithm': parts.cilium }),
        ...(parts.algorithm !== undefined && { 'kube-proxy-nft/lb-algorithm': parts.algorithm }),
        ...(parts.slowStart !== undefined && { 'kube-proxy-nft/slow-start': parts.slowStart }),
        ...(parts.resets !== undefined && { 'kube-proxy-nft/reset-gone-endpoints': parts.resets }),
      },
      spec: {
        loadBalancerSourceRanges: parts.ranges,
        externalTrafficPolicy: parts.externalLocal ? 'Local' : 'Cluster',
        ...(parts.internalLocal && { internalTrafficPolicy: 'Local' }),
        ...(parts.affinity !== undefined && {
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: parts.affinity },
        }),
        ...(parts.isName && { type: 'ExternalName' }),
      },
    });
    return parts.clusterIps.families.length === 2 ? made : ofOneFamily(made, parts.clusterIps.families[0] ?? 0);
  });

/** A Service with one of its two ClusterIPs. */
function ofOneFamily(made: RawObject, family: number): RawObject {
  const spec = made['spec'] as { readonly clusterIPs: readonly string[] };
  const clusterIP = spec.clusterIPs[family] ?? 'None';
  return { ...made, spec: { ...spec, clusterIP, clusterIPs: [clusterIP] } };
}

const sliceSets: fc.Arbitrary<readonly RawObject[]> = fc
  .record({
    serviceName: names,
    suffix: suffixes,
    endpoints: endpointsArbitrary,
    families: fc.constantFrom([0, 1], [0, 1], [0, 1], [0], [1]),
    weight: fc.constantFrom(...[undefined, undefined, undefined, undefined], '0', '1', '2', '3', 'much'),
    ciliumWeight: fc.constantFrom(...[undefined, undefined, undefined], '0', '50', '200', '300', '65536', 'heavy'),
    targetPorts: fc.array(fc.constantFrom(8080, 8080, 8080, 8081, null), {
      minLength: PORTS.length,
      maxLength: PORTS.length,
    }),
  })
  .map(({ serviceName, suffix, endpoints, families, weight, ciliumWeight, targetPorts }) => {
    const made = slices(serviceName, endpoints, {
      name: `${serviceName}${suffix}`,
      annotations: {
        ...(weight !== undefined && { 'kube-proxy-nft/weight': weight }),
        ...(ciliumWeight !== undefined && { 'service.cilium.io/weight': ciliumWeight }),
      },
      ports: PORTS.map(({ name, protocol }, i) => ({ name, protocol, port: targetPorts[i] ?? null })),
    });
    return families.flatMap((family) => made[family] ?? []);
  });

const nodes: fc.Arbitrary<RawObject> = fc
  .record({
    more: fc.subarray<Target>(['second-ip', 'pods-gateway', 'lb-ip-here']),
    zone: fc.constantFrom(undefined, 'zone-a', 'zone-b'),
    podCidrs: fc.constantFrom([], ['10.32.0.0/16'], ['10.32.0.0/16', 'fd00:32::/64'], ['fd00:32::/64']),
  })
  .map(({ more, zone, podCidrs }) => node({ addresses: ['node', ...more], podCidrs, ...(zone && { zone }) }));

/** The other node, and two without endpoints: with these it may be too many that are not Ready. */
const otherNodes: fc.Arbitrary<RawObject> = fc
  .tuple(
    fc.constantFrom(OTHER_NODE, OTHER_NODE, 'node-c', 'node-d'),
    fc.constantFrom('True', 'False', 'Unknown', undefined),
  )
  .map(([name, isReady]) => otherNode(isReady, name));

const cidrs: fc.Arbitrary<RawObject> = fc
  .tuple(
    fc.constantFrom('kubernetes', 'more'),
    fc.subarray(['10.96.0.0/16', 'fd00:96::/112', '10.96.0.0/27', '203.0.113.0/28', '2001:db8:113::/124']),
  )
  .map(([name, list]) => serviceCidr(name, list));

const removals: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: names.map((name) => [`Service/${name}`]) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(names, suffixes, fc.subarray(['ip4', 'ip6'], { minLength: 1 }))
      .map(([name, suffix, versions]) => versions.map((version) => `EndpointSlice/${name}${suffix}-${version}`)),
  },
  { weight: 1, arbitrary: fc.constantFrom('kubernetes', 'more').map((name) => [`ServiceCIDR/${name}`]) },
  { weight: 1, arbitrary: fc.constantFrom(THIS_NODE, OTHER_NODE, 'node-c').map((name) => [`Node/${name}`]) },
);

const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: services.map((one) => ({ set: [one] })) },
  { weight: 9, arbitrary: sliceSets.map((set) => ({ set })) },
  { weight: 2, arbitrary: nodes.map((one) => ({ set: [one] })) },
  { weight: 2, arbitrary: otherNodes.map((one) => ({ set: [one] })) },
  { weight: 1, arbitrary: cidrs.map((one) => ({ set: [one] })) },
  { weight: 4, arbitrary: removals.map((remove) => ({ remove })) },
);

/** Seldom: to read a table takes longer than all the rest of a step. */
const restarts: fc.Arbitrary<Step['restart']> = fc.oneof(
  { weight: 60, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.constantFrom(...FLAGS).map((flags) => ({ flags })) },
);

const laterSteps: fc.Arbitrary<Step> = fc.record({
  changes: fc.array(changes, { minLength: 1, maxLength: 6, size: 'max' }),
  restart: restarts,
  eighths: fc.constantFrom(1, 1, 2, 5),
  connections: drafts,
});

/**
 * A node's life: a cluster comes, then it changes; `steps` in the mean, one at least. Without fast-check's bias to small
 * numbers and lists.
 */
export function lives(steps: number): fc.Arbitrary<readonly Step[]> {
  const first = fc.record({
    changes: fc.array(changes, { maxLength: 36, size: 'max' }),
    restart: fc.constant(undefined),
    eighths: fc.constant(1),
    connections: drafts,
  });
  const later = fc.array(laterSteps, { maxLength: 2 * (steps - 1), size: 'max' });
  return fc.noBias(fc.tuple(first, later).map(([one, more]) => [one, ...more]));
}
