import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { networkTester } from '../../src/ip.ts';
import type { Service } from '../../src/objects/service.ts';
import { frontendsOf } from '../../src/service/frontend.ts';
import { type Objection, objectionsOf, type Protection } from '../../src/service/reserved-addresses.ts';
import { HERE, NODE_NAME, node, service } from '../builders/objects.ts';

const API = '192.0.2.10';
const NODE = '192.0.2.1';
const POD = '10.32.0.5';
const CLUSTER_IP = '10.96.0.99';
const FREE = '203.0.113.5';

const reserved = (protection: Protection) => ({
  protection,
  apiServers: new Map([
    [API, new Set([6443])],
    ['2001:db8::10', new Set([443, 6443])],
  ]),
  isPodAddress: networkTester(['10.32.0.0/16', 'fd00:32::/64']),
  isServiceAddress: networkTester(['10.96.0.0/12', 'fd00:96::/112']),
  nodeAddresses: new Set([NODE, 'fd00:32::1']),
});

const objections = (changes: Partial<Service>, protection: Protection) =>
  objectionsOf(service(changes), reserved(protection));
const textOf = ({ kind, address, what, reason, isRefused }: Objection) =>
  `${kind} ${address}: ${what}, ${reason}${isRefused ? ', refused' : ''}`;
/** The addresses other than its ClusterIPs that a Service is programmed with. */
const granted = (changes: Partial<Service>, protection: Protection) =>
  (['ip', 'ip6'] as const).flatMap((family) =>
    frontendsOf(service({ clusterIps: ['10.96.0.10', 'fd00:96::10'], ...changes }), [], family, {
      nodeName: NODE_NAME,
      node: undefined,
      reserved: reserved(protection),
    })
      .filter(({ kind }) => kind !== 'cluster-ip')
      .map(({ address }) => address),
  );

suite('an external IP', () => {
  const externalIps = [API, NODE, POD, CLUSTER_IP, FREE];

  test('of the API server, a pod or a Service is told of and served: warn', () => {
    assert.deepEqual(objections({ externalIps }, 'warn').map(textOf), [
      `external-ip ${API}: an API server’s, protected-address`,
      `external-ip ${POD}: in a pod network, protected-address`,
      `external-ip ${CLUSTER_IP}: in a network of ClusterIPs, protected-address`,
    ]);
    assert.deepEqual(granted({ externalIps }, 'warn'), externalIps);
  });

  test('of the API server, a pod, a Service or this node is refused: enforce', () => {
    assert.deepEqual(objections({ externalIps }, 'enforce').map(textOf), [
      `external-ip ${API}: an API server’s, protected-address, refused`,
      `external-ip ${NODE}: this node’s own, protected-address, refused`,
      `external-ip ${POD}: in a pod network, protected-address, refused`,
      `external-ip ${CLUSTER_IP}: in a network of ClusterIPs, protected-address, refused`,
    ]);
    assert.deepEqual(granted({ externalIps }, 'enforce'), [FREE]);
  });

  test('is anybody’s, but for those that are nobody’s: off', () => {
    const unusable = ['127.0.0.1', '169.254.169.254', 'fe80::1'];
    assert.deepEqual(
      objections({ externalIps: [...externalIps, ...unusable] }, 'off').map(({ address, reason, isRefused }) => [
        address,
        reason,
        isRefused,
      ]),
      unusable.map((address) => [address, 'unusable-address', true]),
    );
    assert.deepEqual(granted({ externalIps: [...externalIps, ...unusable] }, 'off'), externalIps);
  });

  test('in IPv6, too, and what NAT64 makes such an address of', () => {
    const ip6 = ['2001:db8::10', 'fd00:32::7', 'fd00:96::7', '64:ff9b::c000:20a', '64:ff9b::a20:5', '2001:db8::11'];
    assert.deepEqual(granted({ externalIps: ip6 }, 'enforce'), ['2001:db8::11']);
    assert.deepEqual(granted({ externalIps: ip6 }, 'warn'), ip6);
    assert.equal(objections({ externalIps: ip6 }, 'warn').length, 5);
  });
});

suite('a load balancer IP', () => {
  test('of this node is never refused, also if it lies in a pod network', () => {
    const loadBalancerIps = [NODE, 'fd00:32::1'];
    assert.deepEqual(objections({ loadBalancerIps }, 'enforce'), []);
    assert.deepEqual(granted({ loadBalancerIps }, 'enforce'), loadBalancerIps);
  });

  test('in a network of ClusterIPs is refused, also if an interface of this node has it, as node-local DNS caches do', () => {
    const from = { ...reserved('enforce'), nodeAddresses: new Set([CLUSTER_IP]) };
    assert.equal([...objectionsOf(service({ loadBalancerIps: [CLUSTER_IP] }), from)].length, 1);
  });

  test('of a pod or a Service is refused: enforce', () => {
    const loadBalancerIps = [POD, CLUSTER_IP, FREE];
    assert.deepEqual(granted({ loadBalancerIps }, 'enforce'), [FREE]);
    assert.deepEqual(granted({ loadBalancerIps }, 'warn'), loadBalancerIps);
    assert.equal(objections({ loadBalancerIps }, 'warn').length, 2);
  });

  test('of an API server is refused on its ports; a control-plane node may serve others', () => {
    const on = (port: number, protocol: 'tcp' | 'udp' = 'tcp') => ({
      loadBalancerIps: [API],
      ports: [
        { name: 'a', protocol: 'tcp', port: 80 },
        { name: 'b', protocol, port },
      ] as const,
    });
    assert.deepEqual(granted(on(6443), 'enforce'), []);
    assert.deepEqual(objections(on(6443), 'warn').map(textOf), [
      `load-balancer-ip ${API}: an API server’s, protected-address`,
    ]);
    assert.deepEqual(granted(on(443), 'enforce'), [API, API]);
    assert.deepEqual(granted(on(6443, 'udp'), 'enforce'), [API, API]);
    assert.deepEqual(objections(on(443), 'enforce'), []);
  });

  test('that is refused admits nobody to the others by loadBalancerSourceRanges', () => {
    const changes = {
      clusterIps: ['10.96.0.10'],
      type: 'LoadBalancer',
      loadBalancerIps: [FREE, POD, '127.0.0.1'],
      sourceRanges: ['192.0.2.0/24'],
    };
    const from = { nodeName: NODE_NAME, node: node({ addresses: [NODE] }), reserved: reserved('enforce') };
    assert.deepEqual(
      frontendsOf(service(changes), [], 'ip', from).map(({ address, sourceRanges }) => [address, sourceRanges]),
      [
        ['10.96.0.10', []],
        [FREE, ['192.0.2.0/24', `${FREE}/32`]],
      ],
    );
  });
});

test('nothing is objected to Services that this proxy ignores', () => {
  for (const changes of [{ otherProxy: true }, { type: 'ExternalName' }, { clusterIps: [] }])
    assert.deepEqual(objections({ ...changes, externalIps: ['127.0.0.1', API] }, 'enforce'), []);
});

test('what no Service can have is never programmed, also where nothing is known of the cluster', () => {
  const bad = ['127.0.0.1', '169.254.169.254', '224.0.0.1', '255.255.255.255', '0.0.0.0'];
  const changes = { externalIps: bad, loadBalancerIps: bad, clusterIps: ['10.96.0.10'] };
  assert.deepEqual(
    frontendsOf(service(changes), [], 'ip', HERE).map(({ address }) => address),
    ['10.96.0.10'],
  );
  const bad6 = ['::1', '::', 'fe80::1', 'ff02::1', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe'];
  const changes6 = { externalIps: bad6, loadBalancerIps: bad6, clusterIps: ['fd00:96::10'] };
  assert.deepEqual(
    frontendsOf(service(changes6), [], 'ip6', HERE).map(({ address }) => address),
    ['fd00:96::10'],
  );
});
