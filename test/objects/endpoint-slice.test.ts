import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeObject } from '../../src/objects/decode.ts';
import type { EndpointSlice } from '../../src/objects/endpoint-slice.ts';
import { rawSlice } from '../builders/raw-objects.ts';

function decoded(raw: unknown): EndpointSlice {
  const { object } = decodeObject('EndpointSlice', raw);
  assert.equal(object?.kind, 'EndpointSlice');
  return object;
}

suite('an EndpointSlice', () => {
  test('is slimmed to the fields in use', () => {
    const raw = rawSlice('db', [], {
      endpoints: [
        {
          addresses: ['10.32.0.15', '10.32.0.16'],
          conditions: { ready: false, serving: true, terminating: true },
          nodeName: 'node-a',
          zone: 'z',
          targetRef: { kind: 'Pod', name: 'db-0' },
          hints: { forZones: [{ name: 'z' }] },
        },
      ],
      ports: [{ name: 'mysql', protocol: 'UDP', port: 3306, appProtocol: 'x' }],
    });
    assert.deepEqual(decodeObject('EndpointSlice', raw), {
      key: 'default/db-1',
      object: {
        kind: 'EndpointSlice',
        namespace: 'default',
        name: 'db-1',
        serviceName: 'db',
        ports: [{ name: 'mysql', protocol: 'udp', port: 3306 }],
        endpoints: [
          {
            address: '10.32.0.15',
            ready: false,
            serving: true,
            terminating: true,
            nodeName: 'node-a',
            zone: 'z',
            zoneHints: ['z'],
          },
        ],
      },
    });
  });

  for (const zone of [undefined, null, '', 7, ['z']]) {
    test(`with zone ${JSON.stringify(zone)} has an endpoint of which no zone is known`, () => {
      const [endpoint] = decoded(rawSlice('db', [], { endpoints: [{ addresses: ['10.0.0.1'], zone }] })).endpoints;
      assert.ok(endpoint && !('zone' in endpoint));
    });
  }

  for (const conditions of [undefined, null, {}, { ready: null, serving: null, terminating: null }]) {
    test(`with conditions ${JSON.stringify(conditions)} has an endpoint that is ready, serving and not terminating`, () => {
      const raw = rawSlice('db', [], { endpoints: [{ addresses: ['10.0.0.1'], conditions, nodeName: null }] });
      assert.deepEqual(decoded(raw).endpoints, [
        { address: '10.0.0.1', ready: true, serving: true, terminating: false, nodeName: '' },
      ]);
    });
  }

  test('has the defaults of the API for its ports, and leaves out those without a number', () => {
    const ports = [
      { name: null, protocol: null, port: 8080 },
      { name: 'all', port: null },
      { name: 'zero', port: 0 },
    ];
    assert.deepEqual(decoded(rawSlice('db', [], { ports })).ports, [{ name: '', protocol: 'tcp', port: 8080 }]);
  });

  test('may have null for its lists', () => {
    const slice = decoded(rawSlice('db', [], { endpoints: null, ports: null }));
    assert.deepEqual([slice.endpoints, slice.ports], [[], []]);
  });

  test('of IPv6 has canonical addresses', () => {
    const slice = decoded(rawSlice('db', ['FD00::000F'], { addressType: 'IPv6' }));
    assert.equal(slice.endpoints[0]?.address, 'fd00::f');
  });

  test('of type FQDN has no endpoints for us', () => {
    assert.deepEqual(decoded(rawSlice('db', ['db.example.com'], { addressType: 'FQDN' })).endpoints, []);
  });

  test('of a headless Service has no endpoints for us', () => {
    const labels = { 'kubernetes.io/service-name': 'db', 'service.kubernetes.io/headless': '' };
    assert.deepEqual(decoded(rawSlice('db', ['10.0.0.1'], { metadata: { name: 'db-1', labels } })).endpoints, []);
  });
});

suite('the trigger time of an EndpointSlice', () => {
  test('is read from its annotation in milliseconds; what is no time is none', () => {
    const triggeredAt = (time?: string) => {
      const raw = rawSlice('db', ['10.0.0.1']);
      const annotations = time === undefined ? null : { 'endpoints.kubernetes.io/last-change-trigger-time': time };
      const { object } = decodeObject('EndpointSlice', { ...raw, metadata: { ...raw.metadata, annotations } });
      return object?.kind === 'EndpointSlice' ? object.triggeredAt : 'not decoded';
    };
    assert.equal(triggeredAt('2026-11-23T01:02:03.123456789Z'), Date.UTC(2026, 10, 23, 1, 2, 3, 123));
    assert.deepEqual([triggeredAt(), triggeredAt('soon')], [undefined, undefined]);
  });
});

function addressesOf(raw: unknown) {
  const result = decodeObject('EndpointSlice', raw);
  assert.ok(result.object !== undefined, JSON.stringify(result));
  const { object, remark } = result;
  return { kept: object.kind === 'EndpointSlice' ? object.endpoints.map(({ address }) => address) : [], remark };
}

suite('an endpoint that nobody can be sent to is left out, and its slice is kept:', () => {
  const bad: readonly [title: string, addresses: unknown, remark: RegExp][] = [
    ['a name for an address', ['db'], /must be an IPv4 address/],
    ['leading zeros', ['10.0.0.01'], /must be an IPv4 address/],
    ['an address of the other family', ['fd00::1'], /must be an IPv4 address/],
    ['a number', [7], /must be an IPv4 address/],
    ['no address', [], /must be an IPv4 address/],
    ['null for addresses', null, /must be an IPv4 address/],
    ['loopback', ['127.0.0.1'], /must not be a loopback/],
    ['all of loopback', ['127.255.3.4'], /must not be a loopback/],
    ['link-local, as of metadata services', ['169.254.169.254'], /, link-local,/],
    ['unspecified', ['0.0.0.0'], /, unspecified/],
    ['multicast', ['224.0.0.1'], /multicast/],
    ['the last of multicast', ['239.255.255.255'], /multicast/],
  ];
  const bad6: readonly [title: string, addresses: unknown, remark: RegExp][] = [
    ['a zone', ['fe80::1%eth0'], /must be an IPv6 address/],
    ['IPv4 in a slice of IPv6', ['10.0.0.1'], /must be an IPv6 address/],
    ['loopback of IPv6', ['0:0:0:0:0:0:0:1'], /must not be a loopback/],
    ['unspecified in IPv6', ['0::0'], /unspecified/],
    ['link-local of IPv6', ['FE80::1'], /link-local/],
    ['the last of link-local', ['febf::1'], /link-local/],
    ['multicast of IPv6', ['ff02::1'], /multicast/],
    ['IPv4-mapped, which is IPv4 to Kubernetes', ['::ffff:127.0.0.1'], /IPv4-mapped/],
  ];
  for (const [addressType, good, list] of [
    ['IPv4', '10.0.0.1', bad],
    ['IPv6', 'fd00::1', bad6],
  ] as const) {
    for (const [title, addresses, remark] of list) {
      test(title, () => {
        const endpoints = [{ addresses: [good] }, { addresses }, { addresses }];
        const { kept, remark: said } = addressesOf(rawSlice('db', [], { addressType, endpoints }));
        assert.deepEqual(kept, [good]);
        assert.match(said ?? '', /^EndpointSlice default\/db-1: endpoints\[1\]\.addresses\[0\] must [^\n]*;/);
        assert.match(said ?? '', remark);
        assert.match(said ?? '', /; 2 of 3 endpoints left out$/);
      });
    }
  }

  test('their neighbours are kept', () => {
    const neighbours = ['126.255.255.255', '128.0.0.1', '169.253.0.1', '223.255.255.255', '240.0.0.1', '0.0.0.1'];
    assert.deepEqual(addressesOf(rawSlice('db', neighbours)), { kept: neighbours, remark: undefined });
    const neighbours6 = ['::2', 'fe7f::1', 'fec0::1', 'fe::1', 'ff::1', '1::ffff:0:1'];
    const of6 = addressesOf(rawSlice('db', neighbours6, { addressType: 'IPv6' }));
    assert.deepEqual(of6, { kept: neighbours6, remark: undefined });
  });

  test('nothing is said of those that are ignored with their slice', () => {
    const labels = { 'kubernetes.io/service-name': 'db', 'service.kubernetes.io/headless': '' };
    for (const changes of [{ addressType: 'FQDN' }, { metadata: { name: 'db-1', labels } }]) {
      const raw = rawSlice('db', ['127.0.0.1', 'db.example.com'], changes);
      assert.deepEqual(addressesOf(raw), { kept: [], remark: undefined });
    }
  });
});

suite('an invalid EndpointSlice gives a problem that names the object and the field:', () => {
  const invalid: readonly [title: string, changes: object, problem: RegExp][] = [
    [
      'no label with the Service',
      { metadata: { name: 'db-1' } },
      /metadata\.labels: must have the label kubernetes\.io/,
    ],
    ['no address type', { addressType: undefined }, /addressType: /],
    ['another address type', { addressType: 'ipv4' }, /addressType: /],
    [
      'a condition that is a text',
      { endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: 'yes' } }] },
      /endpoints\[0\]\.conditions\.ready: /,
    ],
    ['port 65536', { ports: [{ port: 65536 }] }, /ports\[0\]\.port: /],
    ['an unknown protocol', { ports: [{ port: 1, protocol: 'ICMP' }] }, /ports\[0\]\.protocol: /],
  ];
  for (const [title, changes, problem] of invalid) {
    test(title, () => {
      const result = decodeObject('EndpointSlice', rawSlice('db', ['10.0.0.1'], changes));
      assert.ok(result.object === undefined);
      assert.match(result.problem, problem);
      assert.match(result.problem, /^EndpointSlice default\/db-1: [^\n]*$/);
      assert.equal(result.key, 'default/db-1');
    });
  }
});
