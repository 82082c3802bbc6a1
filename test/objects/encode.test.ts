import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { decodeObject, type KubeObject } from '../../src/objects/decode.ts';
import { encodeObject } from '../../src/objects/encode.ts';
import { LB_ALGORITHMS } from '../../src/objects/service-options.ts';

const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?$/);
const portName = fc.oneof(fc.constant(''), fc.stringMatching(/^[a-z]{1,8}$/));
const protocol = fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const);
const port = fc.integer({ min: 1, max: 65535 });
const ip4 = fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.0.${a}.${b}`);
const ip6 = fc.integer({ min: 1, max: 0xffff }).map((n) => `fd00::${n.toString(16)}`);
const maybe = <T>(field: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((given) => (given === undefined ? {} : { [field]: given }));

/** What annotations request: at least one thing. */
const options = fc
  .record(
    {
      resetGoneEndpoints: fc.boolean(),
      sourceRangesOnNodePorts: fc.boolean(),
      slowStartSeconds: fc.integer({ min: 1, max: 3600 }),
      zoneSpillOver: fc.integer({ min: 1, max: 100 }),
      limitPerSecond: fc.integer({ min: 1, max: 100_000 }),
      maxConnections: fc.integer({ min: 1, max: 1_000 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((some) => Object.keys(some).length > 0);

const services = fc
  .tuple(
    fc.record({
      kind: fc.constant('Service' as const),
      namespace: name,
      name,
      createdAt: fc.constantFrom('', '2026-01-01T00:00:00Z'),
      otherProxy: fc.boolean(),
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      clusterIps: fc.oneof(fc.constant([]), fc.tuple(ip4), fc.tuple(ip6, ip4)),
      ports: fc.array(
        fc
          .tuple(fc.record({ name: portName, protocol, port }), maybe('nodePort', port))
          .map(([a, b]) => ({ ...a, ...b })),
        { maxLength: 3 },
      ),
      externalIps: fc.array(fc.oneof(ip4, ip6), { maxLength: 2 }),
      loadBalancerIps: fc.array(fc.oneof(ip4, ip6), { maxLength: 2 }),
      sourceRanges: fc.array(fc.constantFrom('10.0.0.0/8', 'fd00::/48'), { maxLength: 2 }),
      internalLocal: fc.boolean(),
      externalLocal: fc.boolean(),
    }),
    maybe(
      'options',
      fc
        .record(
          { lbAlgorithm: fc.constantFrom(...LB_ALGORITHMS), ciliumLbAlgorithm: fc.constantFrom('random', 'maglev') },
          { requiredKeys: [] },
        )
        .filter((options) => Object.keys(options).length > 0),
    ),
    maybe('affinitySeconds', fc.integer({ min: 1, max: 86_400 })),
    maybe('healthCheckNodePort', port),
    maybe('options', options),
  )
  .map(([a, b, c, d]) => ({ ...a, ...b, ...c, ...d }));

const endpoint = (address: fc.Arbitrary<string>) =>
  fc
    .tuple(
      fc.record({
        address,
        ready: fc.boolean(),
        serving: fc.boolean(),
        terminating: fc.boolean(),
        nodeName: fc.oneof(fc.constant(''), name),
      }),
      maybe('zone', name),
      maybe('zoneHints', fc.array(name, { minLength: 1, maxLength: 2 })),
      maybe('nodeHints', fc.array(name, { minLength: 1, maxLength: 2 })),
    )
    .map(([a, ...more]) => Object.assign({}, a, ...more));

const slices = fc
  .tuple(
    fc.record({
      kind: fc.constant('EndpointSlice' as const),
      namespace: name,
      name,
      serviceName: name,
      ports: fc.array(fc.record({ name: portName, protocol, port }), { maxLength: 3 }),
      endpoints: fc.oneof(fc.array(endpoint(ip4), { maxLength: 4 }), fc.array(endpoint(ip6), { maxLength: 4 })),
    }),
    maybe('triggeredAt', fc.integer({ min: 0, max: 4e12 })),
    maybe(
      'options',
      fc.constantFrom({ weight: 0 }, { weight: 100 }, { ciliumWeight: 0 }, { ciliumWeight: 7, weight: 50 }),
    ),
  )
  .map(([a, b, c]) => ({ ...a, ...b, ...c }));

const nodes = fc.record({
  kind: fc.constant('Node' as const),
  name,
  addresses: fc.array(fc.oneof(ip4, ip6), { maxLength: 3 }),
  zone: fc.oneof(fc.constant(''), name),
  podCidrs: fc.subarray(['10.244.1.0/24', 'fd00:1::/64']),
  eligible: fc.boolean(),
});

const cidrs = fc.record({
  kind: fc.constant('ServiceCIDR' as const),
  name,
  cidrs: fc.subarray(['10.96.0.0/12', 'fd00:10::/108']),
});

suite('an object in Kubernetes’ form', () => {
  test('is decoded to what it was', () => {
    fc.assert(
      fc.property(fc.oneof(services, slices, nodes, cidrs), (object: KubeObject) => {
        const decoded = decodeObject(object.kind, JSON.parse(JSON.stringify(encodeObject(object))));
        assert.deepEqual(decoded.object, structuredClone(object));
      }),
      { numRuns: 500 },
    );
  });

  test('has nothing of what was left out of a slice, which is still the slice it was', () => {
    const raw = {
      metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'] }, { addresses: ['10.0.0.1'] }],
      ports: [{ port: 80 }],
    };
    const { object } = decodeObject('EndpointSlice', raw);
    assert.ok(object?.kind === 'EndpointSlice' && object.leftOut !== undefined);
    const { leftOut, ...rest } = object;
    assert.deepEqual(decodeObject('EndpointSlice', encodeObject(object)).object, rest);
  });
});
