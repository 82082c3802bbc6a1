import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EndpointSlice } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { frontendSteps, frontendsOf } from '../../src/service/frontend.ts';
import { countSteps } from '../builders/count-steps.ts';
import { HERE, HTTP, ready, service, slice, slicePort } from '../builders/objects.ts';

function keysOf(changes: Partial<Service>, family: 'ip' | 'ip6' = 'ip'): string[] {
  return frontendsOf(service(changes), [], family, HERE).map(
    ({ address, protocol, port, servicePort }) => `${address} ${protocol} ${port} ${servicePort}`,
  );
}

suite('the frontends of a Service', () => {
  test('are one for each port, with the endpoints of that port', () => {
    const ports = [HTTP, { name: 'metrics', protocol: 'tcp', port: 9100 } as const];
    const slices = [
      slice([ready('10.0.0.1')], { ports: [slicePort(), slicePort({ name: 'metrics', port: 9101 })] }),
      slice([ready('10.0.0.2')], { name: 'web-2' }),
    ];
    assert.deepEqual(frontendsOf(service({ ports }), slices, 'ip', HERE), [
      {
        family: 'ip',
        kind: 'cluster-ip',
        policy: 'cluster',
        localEndpoints: [],
        hasUsableEndpoints: true,
        sourceRanges: [],
        address: '10.96.0.10',
        protocol: 'tcp',
        port: 80,
        servicePort: 'default/web:http',
        endpoints: [
          { address: '10.0.0.1', port: 8080, maybeLocal: false },
          { address: '10.0.0.2', port: 8080, maybeLocal: false },
        ],
      },
      {
        family: 'ip',
        kind: 'cluster-ip',
        policy: 'cluster',
        localEndpoints: [],
        hasUsableEndpoints: true,
        sourceRanges: [],
        address: '10.96.0.10',
        protocol: 'tcp',
        port: 9100,
        servicePort: 'default/web:metrics',
        endpoints: [{ address: '10.0.0.1', port: 9101, maybeLocal: false }],
      },
    ]);
  });

  test('have weights where only some slices name one', () => {
    const slices = [
      slice([ready('10.0.0.1')], { options: { weight: 3 } }),
      slice([ready('10.0.0.2')], { name: 'web-2' }),
    ];
    const [frontend] = frontendsOf(service(), slices, 'ip', HERE);
    assert.deepEqual(
      frontend?.endpoints.map(({ address, weight }) => [address, weight]),
      [
        ['10.0.0.1', 3],
        ['10.0.0.2', undefined],
      ],
    );
  });

  test('have the limits of their annotations, each of them by itself', () => {
    const limitsOf = (options: Service['options']) =>
      frontendsOf(service(options && { options }), [], 'ip', HERE).map((frontend) => [
        'limitPerSecond' in frontend && frontend.limitPerSecond,
        'maxConnections' in frontend && frontend.maxConnections,
      ]);
    assert.deepEqual(limitsOf({ limitPerSecond: 7 }), [[7, false]]);
    assert.deepEqual(limitsOf({ maxConnections: 9 }), [[false, 9]]);
    assert.deepEqual(limitsOf({ limitPerSecond: 7, maxConnections: 9 }), [[7, 9]]);
    assert.deepEqual(limitsOf(undefined), [[false, false]]);
  });

  test('are there without endpoints, too: connections are refused then', () => {
    const [frontend] = frontendsOf(service(), [], 'ip', HERE);
    assert.deepEqual(frontend?.endpoints, []);
  });

  test('of the unnamed port are called by the Service alone', () => {
    assert.deepEqual(keysOf({ ports: [{ ...HTTP, name: '' }] }), ['10.96.0.10 tcp 80 default/web']);
  });

  test('with one port number in two protocols are two', () => {
    const ports = [
      { name: 'dns-tcp', protocol: 'tcp', port: 53 },
      { name: 'dns', protocol: 'udp', port: 53 },
    ] as const;
    assert.deepEqual(keysOf({ ports }), ['10.96.0.10 tcp 53 default/web:dns-tcp', '10.96.0.10 udp 53 default/web:dns']);
  });

  test('that repeat protocol and number, which the API forbids, are the first', () => {
    assert.deepEqual(keysOf({ ports: [HTTP, { ...HTTP, name: 'other' }] }), ['10.96.0.10 tcp 80 default/web:http']);
  });

  test('are of the family of its ClusterIPs', () => {
    assert.deepEqual(keysOf({}, 'ip6'), []);
    const clusterIps = ['fd00:96::10', '10.96.0.10'];
    assert.deepEqual(keysOf({ clusterIps }), ['10.96.0.10 tcp 80 default/web:http']);
    assert.deepEqual(keysOf({ clusterIps }, 'ip6'), ['fd00:96::10 tcp 80 default/web:http']);
  });
});

suite('no frontends has a Service that', () => {
  test('is headless', () => assert.deepEqual(keysOf({ clusterIps: [] }), []));
  test('is of type ExternalName, even with a ClusterIP', () => assert.deepEqual(keysOf({ type: 'ExternalName' }), []));
  test('belongs to another proxy', () => assert.deepEqual(keysOf({ otherProxy: true }), []));
  test('has no ports', () => assert.deepEqual(keysOf({ ports: [] }), []));
});

suite('the frontends of a Service are worked out in steps', () => {
  /** One step does no more than about so many things. */
  const things = 10_000;
  const count = (changes: Partial<Service>, slices: readonly EndpointSlice[] = []) =>
    countSteps(frontendSteps(service(changes), slices, 'ip', HERE, 300_000)).count;

  test('with many addresses', () => {
    const externalIps = Array.from({ length: 25_000 }, (_, i) => `203.0.${i >> 8}.${i & 255}`);
    assert.ok(count({ externalIps }) > (2 * externalIps.length) / things);
  });

  test('with many source ranges', () => {
    const sourceRanges = Array.from({ length: 60_000 }, (_, i) => `20.${i >> 8}.${i & 255}.0/24`);
    const steps = count({ type: 'LoadBalancer', loadBalancerIps: ['203.0.113.1'], sourceRanges });
    assert.ok(steps > (3 * sourceRanges.length) / things, `${steps}`);
  });

  test('with many ports and endpoints, of which not all may be used', () => {
    const ports = Array.from({ length: 400 }, (_, i) => ({ name: `p${i}`, protocol: 'tcp', port: 1000 + i }) as const);
    const endpoints = Array.from({ length: 1000 }, (_, i) => ready(`10.0.${i >> 8}.${i & 255}`, { nodeName: '' }));
    // Of each pair of port and endpoint: its place, whether it is here, its address, and whether it is used.
    assert.ok(count({ ports }, [slice(endpoints, { ports })]) > (4 * 300_000) / things);
  });

  test('and small ones in few', () => assert.ok(count({}, [slice([ready('10.0.0.1')])]) <= 5));
});
