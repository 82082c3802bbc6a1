import * as fc from 'fast-check';
import type { KubeObject } from '../../src/objects/decode.ts';
import type { Protocol } from '../../src/objects/protocol.ts';
import type { ClusterChange } from './models.ts';

const NAMES = ['a', 'b', 'c', 'd'];

// Few names, addresses and ports, so that Services clash, slices overlap and objects come back often.
const name = fc.constantFrom(...NAMES);
const protocol = fc.constantFrom<Protocol>('tcp', 'udp', 'sctp');
const portName = fc.constantFrom('', 'http', 'dns');

const serviceObject: fc.Arbitrary<KubeObject> = fc
  .record({
    kind: fc.constant('Service' as const),
    namespace: fc.constant('default'),
    name,
    createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
    otherProxy: fc.nat(9).map((draw) => draw === 0),
    type: fc.nat(9).map((draw) => (draw === 0 ? 'ExternalName' : 'ClusterIP')),
    clusterIps: fc.subarray(['10.96.0.1', 'fd00:96::1', '10.96.0.2', 'fd00:96::2']),
    ports: fc.array(
      fc.record(
        { name: portName, protocol, port: fc.constantFrom(53, 80), nodePort: fc.constantFrom(30053, 30080) },
        { requiredKeys: ['name', 'protocol', 'port'] },
      ),
      { maxLength: 3 },
    ),
    externalIps: fc.subarray(['203.0.113.1', '10.96.0.2', '2001:db8::1']),
    loadBalancerIps: fc.subarray(['203.0.113.1', '203.0.113.9', '2001:db8::9']),
    sourceRanges: fc.subarray(['10.0.0.0/8', '10.1.0.0/16', '192.0.2.1/32', '2001:db8::/32', '2001:db8::/48']),
    internalLocal: fc.boolean(),
    externalLocal: fc.boolean(),
    affinitySeconds: fc.constantFrom(undefined, undefined, 60, 10_800),
    options: fc.constantFrom(
      undefined,
      { sourceRangesOnNodePorts: true },
      { sourceRangesOnNodePorts: true, limitPerSecond: 5 },
      { limitPerSecond: 100, maxConnections: 10 },
    ),
  })
  .map(({ affinitySeconds, options, ...rest }) => ({
    ...rest,
    ...(affinitySeconds !== undefined && { affinitySeconds }),
    ...(options && { options }),
  }));

const endpoint = fc.record({
  address: fc.integer({ min: 1, max: 12 }).chain((i) => fc.constantFrom(`10.32.0.${i}`, `fd00:32::${i}`)),
  ready: fc.nat(3).map((draw) => draw > 0),
  serving: fc.boolean(),
  terminating: fc.nat(3).map((draw) => draw === 0),
  nodeName: fc.constantFrom('', 'node-a', 'node-b'),
});

const sliceObject: fc.Arbitrary<KubeObject> = fc.record({
  kind: fc.constant('EndpointSlice' as const),
  namespace: fc.constant('default'),
  name: fc.constantFrom('slice-1', 'slice-2', 'slice-3', 'slice-4', 'slice-5', 'slice-6'),
  serviceName: name,
  ports: fc.array(fc.record({ name: portName, protocol, port: fc.constantFrom(8053, 8080) }), { maxLength: 3 }),
  endpoints: fc.array(endpoint, { maxLength: 12 }),
});

const deletion: fc.Arbitrary<ClusterChange> = fc.oneof(
  name.map((text) => ({ remove: 'Service' as const, key: `default/${text}` })),
  fc.integer({ min: 1, max: 6 }).map((i) => ({ remove: 'EndpointSlice' as const, key: `default/slice-${i}` })),
);

/** A random change of a small cluster in which everything collides with everything. */
export const clusterChange: fc.Arbitrary<ClusterChange> = fc.oneof(
  { weight: 2, arbitrary: serviceObject.map((set) => ({ set })) },
  { weight: 4, arbitrary: sliceObject.map((set) => ({ set })) },
  { weight: 1, arbitrary: deletion },
);
