import fc from 'fast-check';
import type { Family } from '../../src/ip.ts';
import type { ServicePortSpec } from '../../src/objects/service.ts';
import type { ClusterChange } from './models.ts';
import { NODE_NAME, ready, service, slice, slicePort } from './objects.ts';

/** The addresses that the Services and endpoints of random clusters have. */
export interface Addresses {
  readonly clusterIps: readonly string[];
  readonly external: string;
  readonly loadBalancer: string;
  /** From the narrowest to one that overlaps nothing. */
  readonly sourceRanges: readonly string[];
  readonly endpoint: (lastByte: number) => string;
  /** One of this node. */
  readonly node: string;
  readonly pod: string;
  /** Clients elsewhere: in several source ranges, in one, in none. */
  readonly outside: readonly string[];
}

export const ADDRESSES: Readonly<Record<Family, Addresses>> = {
  ip: {
    clusterIps: ['10.96.0.1', '10.96.0.2'],
    external: '203.0.113.1',
    loadBalancer: '203.0.113.2',
    sourceRanges: ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '192.0.2.0/24'],
    endpoint: (lastByte) => `10.0.0.${lastByte}`,
    node: '192.0.2.10',
    pod: '10.244.0.9',
    outside: ['10.1.2.3', '192.0.2.77', '198.51.100.7'],
  },
  ip6: {
    clusterIps: ['fd00::1', 'fd00::2'],
    external: '2001:db8::1',
    loadBalancer: '2001:db8::2',
    sourceRanges: ['fd10::/16', 'fd10:1::/32', 'fd10:1:2::/48', '2001:db8:1::/48'],
    endpoint: (lastByte) => `fd10::${lastByte}`,
    node: '2001:db8:1::10',
    pod: 'fd44::9',
    outside: ['fd10:1:2::3', '2001:db8:1::77', '2001:db8:9::7'],
  },
};

/** Few names, addresses and ports, so that Services fight for frontends and slices hold the same endpoints; one has most. */
const names = fc.constantFrom('a', 'a', 'a', 'b', 'c');

/** Random changes of a small cluster in one family. `nodePorts`: whether Services have node ports, too. */
export function clusterSteps(
  family: Family,
  { nodePorts }: { readonly nodePorts: boolean },
): fc.Arbitrary<ClusterChange> {
  const { clusterIps, external, loadBalancer, sourceRanges, endpoint } = ADDRESSES[family];
  const [first = '', second = ''] = clusterIps;
  const other = family === 'ip' ? 'fd00::9' : '10.96.0.9';
  const withNodePort = (port: number) => (nodePorts ? { nodePort: 30_000 + port } : {});
  const options = fc.constantFrom({}, {}, { options: { slowStartSeconds: 8 } });
  const services = fc
    .record(
      {
        name: names,
        createdAt: fc.constantFrom('2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
        clusterIps: fc.constantFrom([first], [first], [second], [second, other], []),
        otherProxy: fc.nat({ max: 9 }).map((n) => n === 0),
        ports: fc
          .subarray<ServicePortSpec>([
            { name: 'y', protocol: 'tcp', port: 81 },
            { name: 'x', protocol: 'udp', port: 80, ...withNodePort(80) },
          ])
          .map((ports): ServicePortSpec[] => [{ name: 'x', protocol: 'tcp', port: 80, ...withNodePort(80) }, ...ports]),
        affinitySeconds: fc.constantFrom(60, 10_800),
        internalLocal: fc.boolean(),
        externalLocal: fc.boolean(),
        externalIps: fc.subarray([external]),
        loadBalancerIps: fc.subarray([loadBalancer]),
        sourceRanges: fc.subarray([...sourceRanges]),
        options: fc.constantFrom(
          { sourceRangesOnNodePorts: true },
          { sourceRangesOnNodePorts: true, limitPerSecond: 100 },
          { limitPerSecond: 5, maxConnections: 10 },
        ),
      },
      { requiredKeys: ['name', 'createdAt', 'clusterIps', 'otherProxy', 'ports'] },
    )
    .chain((changes) => options.map((given) => ({ ...changes, ...given })))
    .map((changes): ClusterChange => ({ set: service(changes) }));
  const endpoints = fc.record({
    lastByte: fc.integer({ min: 1, max: 20 }),
    ready: fc.nat({ max: 9 }).map((n) => n > 0),
    serving: fc.boolean(),
    terminating: fc.boolean(),
    nodeName: fc.constantFrom('', NODE_NAME, 'node-b'),
  });
  const slices = fc
    .record({
      name: fc.constantFrom('s1', 's2', 's3'),
      serviceName: names,
      // Few as often as many: a capacity that shrinks by more than half is a case of its own.
      endpoints: fc
        .oneof(fc.array(endpoints, { maxLength: 2 }), fc.array(endpoints, { maxLength: 18, size: 'max' }))
        .map((list) => list.map(({ lastByte, ...conditions }) => ready(endpoint(lastByte), conditions))),
      ports: fc.constantFrom(
        [slicePort({ name: 'x' }), slicePort({ name: 'y', port: 8081 })],
        [slicePort({ name: 'x' }), slicePort({ name: 'x', protocol: 'udp', port: 5353 })],
        [slicePort({ name: 'x', port: 9090 })],
      ),
      weight: fc.constantFrom(undefined, undefined, undefined, 0, 2, 5, 9),
    })
    .map(({ endpoints: list, weight, ...changes }): ClusterChange => {
      return { set: slice(list, { ...changes, ...(weight !== undefined && { options: { weight } }) }) };
    });
  const removals = fc.oneof(
    names.map((name): ClusterChange => ({ remove: 'Service', key: `default/${name}` })),
    fc
      .constantFrom('s1', 's2', 's3')
      .map((name): ClusterChange => ({ remove: 'EndpointSlice', key: `default/${name}` })),
  );
  return fc.oneof(
    { weight: 3, arbitrary: services },
    { weight: 6, arbitrary: slices },
    { weight: 2, arbitrary: removals },
  );
}
