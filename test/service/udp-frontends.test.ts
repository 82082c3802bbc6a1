import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Family } from '../../src/ip.ts';
import type { EndpointSlice } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { frontendsOf } from '../../src/service/frontend.ts';
import { udpFrontendsOf } from '../../src/service/udp-frontends.ts';
import {
  HERE,
  HTTP,
  NODE_NAME,
  notReady,
  ready,
  service,
  servingTerminating,
  slice,
  slicePort,
} from '../builders/objects.ts';

const DNS = { name: 'dns', protocol: 'udp', port: 53 } as const;
const dnsSlice = (endpoints: EndpointSlice['endpoints'], changes: Partial<EndpointSlice> = {}) =>
  slice(endpoints, { ports: [slicePort({ name: 'dns', protocol: 'udp', port: 5353 })], ...changes });

const CLIENTS_HERE = ['10.32.0.0/16', '192.0.2.1/32'];

function stateOf(of: Service, slices: readonly EndpointSlice[], family: Family = 'ip', here?: readonly string[]) {
  const frontends = frontendsOf(of, slices, family, HERE);
  return udpFrontendsOf(of, slices, frontends, { here: () => here, node: () => [], nodePorts: undefined });
}

/** Each as "address:port endpoints…", those with port 5353 without it. */
function udpFrontends(of: Service, slices: readonly EndpointSlice[], family: Family = 'ip'): string[] {
  return stateOf(of, slices, family).map(({ address, port, serving }) =>
    [
      `${address}:${port}`,
      ...[...serving].map((endpoint) => endpoint.replace(/ 5353$/, '').replace(' ', '#')).sort(),
    ].join(' '),
  );
}

suite('the UDP frontends of a Service', () => {
  test('are its ClusterIP, external IPs, load balancer IPs and node port', () => {
    const dns = service({
      ports: [{ ...DNS, nodePort: 30053 }],
      externalIps: ['203.0.113.1'],
      loadBalancerIps: ['203.0.113.2'],
    });
    assert.deepEqual(udpFrontends(dns, [dnsSlice([ready('10.0.0.1')])]), [
      '10.96.0.10:53 10.0.0.1',
      '203.0.113.2:53 10.0.0.1',
      '203.0.113.1:53 10.0.0.1',
      ':30053 10.0.0.1',
    ]);
  });

  test('do not include those of TCP and SCTP, nor their endpoints', () => {
    const dns = service({ ports: [{ ...DNS, protocol: 'tcp' }, DNS, { ...DNS, protocol: 'sctp' }] });
    const ports = [slicePort({ name: 'dns', protocol: 'tcp', port: 5353 })];
    const slices = [dnsSlice([ready('10.0.0.1')]), slice([ready('10.0.0.2')], { name: 'web-2', ports })];
    assert.deepEqual(udpFrontends(dns, slices), ['10.96.0.10:53 10.0.0.1']);
    assert.deepEqual(udpFrontends(service({ ports: [HTTP] }), [slice([ready('10.0.0.1')])]), []);
  });

  test('have the endpoints of their own port, from all slices', () => {
    const dns = service({ ports: [DNS, { name: 'log', protocol: 'udp', port: 514 }] });
    const log = dnsSlice([ready('10.0.0.3')], { name: 'web-3', ports: [slicePort({ name: 'log', protocol: 'udp' })] });
    const slices = [dnsSlice([ready('10.0.0.1')]), dnsSlice([ready('10.0.0.2')], { name: 'web-2' }), log];
    assert.deepEqual(udpFrontends(dns, slices), ['10.96.0.10:53 10.0.0.1 10.0.0.2', '10.96.0.10:514 10.0.0.3#8080']);
  });

  test('are of one family, as their endpoints are', () => {
    const dns = service({ ports: [DNS], clusterIps: ['10.96.0.10', 'fd00:96::10'] });
    const slices = [dnsSlice([ready('10.0.0.1')]), dnsSlice([ready('fd00::1')], { name: 'web-2' })];
    assert.deepEqual(udpFrontends(dns, slices), ['10.96.0.10:53 10.0.0.1']);
    assert.deepEqual(udpFrontends(dns, slices, 'ip6'), ['fd00:96::10:53 fd00::1']);
  });

  test('are none where kube-proxy ignores the Service', () => {
    for (const changes of [{ otherProxy: true }, { clusterIps: [] }, { type: 'ExternalName' }]) {
      assert.deepEqual(udpFrontends(service({ ports: [DNS], ...changes }), [dnsSlice([ready('10.0.0.1')])]), []);
    }
  });
});

suite('the endpoints whose flows stay', () => {
  test('are all that serve: terminating, of another node or not ready, too', () => {
    const dns = service({ ports: [DNS], internalLocal: true });
    const endpoints = [
      ready('10.0.0.1', { zoneHints: ['elsewhere'] }),
      ready('10.0.0.9', { nodeName: NODE_NAME }),
      servingTerminating('10.0.0.2'),
      ready('10.0.0.3', { ready: false }),
      notReady('10.0.0.4'),
      ready('10.0.0.5', { ready: false, serving: false, terminating: true }),
    ];
    assert.deepEqual(udpFrontends(dns, [dnsSlice(endpoints)]), ['10.96.0.10:53 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.9']);
  });

  test('include one that serves by any of its entries', () => {
    const slices = [
      dnsSlice([notReady('10.0.0.1')]),
      dnsSlice([servingTerminating('10.0.0.1'), ready('10.0.0.2')], { name: 'web-2' }),
    ];
    assert.deepEqual(udpFrontends(service({ ports: [DNS] }), slices), ['10.96.0.10:53 10.0.0.1 10.0.0.2']);
  });

  test('are told by their port, too: the one of each slice', () => {
    const other = slicePort({ name: 'dns', protocol: 'udp', port: 9090 });
    const slices = [
      dnsSlice([ready('10.0.0.1')]),
      dnsSlice([ready('10.0.0.1'), ready('10.0.0.2')], { name: 'web-2', ports: [other] }),
    ];
    assert.deepEqual(udpFrontends(service({ ports: [DNS] }), slices), [
      '10.96.0.10:53 10.0.0.1 10.0.0.1#9090 10.0.0.2#9090',
    ]);
  });

  test('are none without endpoints', () => {
    assert.deepEqual(udpFrontends(service({ ports: [DNS] }), []), ['10.96.0.10:53']);
  });

  test('are none where nobody is served: no endpoint can be used, or internalTrafficPolicy Local has none here', () => {
    const unused = [dnsSlice([ready('10.0.0.1', { ready: false })])];
    assert.deepEqual(udpFrontends(service({ ports: [DNS] }), unused), ['10.96.0.10:53']);
    const elsewhere = [dnsSlice([ready('10.0.0.1')])];
    assert.deepEqual(udpFrontends(service({ ports: [DNS], internalLocal: true }), elsewhere), ['10.96.0.10:53']);
  });

  test('are those that terminate on this node where internalTrafficPolicy Local has no others', () => {
    const slices = [dnsSlice([ready('10.0.0.1'), { ...servingTerminating('10.0.0.2'), nodeName: NODE_NAME }])];
    const found = udpFrontends(service({ ports: [DNS], internalLocal: true }), slices);
    assert.deepEqual(found, ['10.96.0.10:53 10.0.0.1 10.0.0.2']);
  });
});

suite('the clients whose flows stay', () => {
  const outside = {
    ports: [{ ...DNS, nodePort: 30053 }],
    externalIps: ['203.0.113.1'],
    loadBalancerIps: ['203.0.113.2'],
  };
  /** Each frontend's address with the lists of networks. */
  const admitted = (changes: Partial<Service>, endpoints: EndpointSlice['endpoints'], here?: readonly string[]) =>
    stateOf(service({ ...outside, ...changes }), [dnsSlice(endpoints)], 'ip', here).map(
      (frontend) => [frontend.address, frontend.admitted] as const,
    );
  const everybody = [
    ['10.96.0.10', []],
    ['203.0.113.2', []],
    ['203.0.113.1', []],
    ['', []],
  ];

  test('are all of policy Cluster, and of policy Local with endpoints here', () => {
    assert.deepEqual(admitted({}, [ready('10.0.0.1')], CLIENTS_HERE), everybody);
    const here = [ready('10.0.0.1', { nodeName: NODE_NAME })];
    assert.deepEqual(admitted({ externalLocal: true }, here, CLIENTS_HERE), everybody);
    const terminating = [ready('10.0.0.1'), { ...servingTerminating('10.0.0.2'), nodeName: NODE_NAME }];
    assert.deepEqual(admitted({ externalLocal: true }, terminating, CLIENTS_HERE), everybody);
  });

  test('are those on this node where externalTrafficPolicy Local has no endpoint here', () => {
    assert.deepEqual(admitted({ externalLocal: true }, [ready('10.0.0.1')], CLIENTS_HERE), [
      ['10.96.0.10', []],
      ['203.0.113.2', [CLIENTS_HERE]],
      ['203.0.113.1', [CLIENTS_HERE]],
      ['', [CLIENTS_HERE]],
    ]);
  });

  test('are all where addresses do not tell clients on this node', () => {
    assert.deepEqual(admitted({ externalLocal: true }, [ready('10.0.0.1')]), everybody);
  });

  test("of a load balancer's address are those of its source ranges, and on this node if both apply", () => {
    const sourceRanges = ['198.51.100.0/24'];
    assert.deepEqual(admitted({ sourceRanges }, [ready('10.0.0.1')], CLIENTS_HERE), [
      ['10.96.0.10', []],
      ['203.0.113.2', [sourceRanges]],
      ['203.0.113.1', []],
      ['', []],
    ]);
    const both = admitted({ sourceRanges, externalLocal: true }, [ready('10.0.0.1')], CLIENTS_HERE);
    assert.deepEqual(both[1], ['203.0.113.2', [sourceRanges, CLIENTS_HERE]]);
  });
});
