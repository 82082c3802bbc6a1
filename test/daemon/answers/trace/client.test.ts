import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { suite, test } from 'node:test';
import { type ClientPlace, clientOf } from '../../../../src/daemon/answers/trace/client.ts';
import { parseClient } from '../../../../src/daemon/answers/trace/request.ts';
import { interfacesByName } from '../../../../src/host/interfaces.ts';

const address = (cidr: string) => ({ address: cidr.split('/')[0], cidr }) as NetworkInterfaceInfo;

const INTERFACES = new Map([
  ['eth0', [address('192.0.2.1/24'), address('fe80::1/64'), address('2001:db8::1/64')]],
  ['cni0', [address('10.32.0.1/24')]],
  ['veth7', []],
  ['tun0', [address('10.99.0.1/32')]],
]);

const PLACE: ClientPlace = {
  family: 'ip',
  own: ['192.0.2.1', '2001:db8::1', '10.32.0.1'],
  podNetworks: ['10.32.0.0/16'],
  detectLocal: { mode: 'ClusterCIDR' },
  interfaces: () => INTERFACES,
};

const BY_INTERFACE: ClientPlace = {
  ...PLACE,
  podNetworks: undefined,
  detectLocal: { mode: 'InterfaceNamePrefix', pattern: 'veth*' },
};

/** "10.32.0.9 pod veth7 example". */
function client(text: string | undefined, changes: Partial<ClientPlace> = {}, destination = '10.96.0.1'): string {
  const found = clientOf(parseClient(text), destination, { ...PLACE, ...changes });
  if (found === undefined) return 'none';
  const { source, from, iifname = '', isExample } = found;
  return [source, from, iifname, ...(isExample ? ['example'] : [])].filter((part) => part !== '').join(' ');
}

suite('the client of a trace', () => {
  test('is the node, with the address that the kernel chooses', () => {
    assert.equal(client(undefined), '192.0.2.1 node');
    assert.equal(client('node', { family: 'ip6' }), '2001:db8::1 node');
    assert.equal(client('node', { family: 'ip6', own: ['fe80::7', '2001:db8::1'] }), '2001:db8::1 node');
    assert.equal(client('node', { family: 'ip6', own: ['fe80::7'] }), 'fe80::7 node');
    assert.equal(client('node', {}, '10.32.0.1'), '10.32.0.1 node');
    assert.equal(client('node', {}, '127.0.0.1'), '127.0.0.1 node');
    assert.equal(client('node', { own: [] }), '127.0.0.1 node');
    assert.equal(client('192.0.2.1'), '192.0.2.1 node');
  });

  test('is a pod or somebody else, by address or by interface', () => {
    assert.equal(client('10.32.0.9'), '10.32.0.9 pod');
    assert.equal(client('198.51.100.9%eth0'), '198.51.100.9 outside eth0');
    assert.equal(client('10.32.0.9%veth7', BY_INTERFACE), '10.32.0.9 pod veth7');
    assert.equal(client('10.32.0.9%eth0', BY_INTERFACE), '10.32.0.9 outside eth0');
    assert.equal(client('fd00::9'), 'none');
  });

  test('is an example from outside that nobody has', () => {
    assert.equal(client('outside'), '198.51.100.1 outside /any example');
    assert.equal(client('outside', { own: ['198.51.100.1'] }), '203.0.113.1 outside /any example');
    assert.equal(
      client('outside', { own: [], podNetworks: ['198.51.0.0/16', '203.0.113.0/24'] }),
      '192.0.2.1 outside /any example',
    );
    assert.equal(client('outside', { family: 'ip6' }), '2001:db8:ffff::1 outside /any example');
  });

  test('is a neighbour on an interface', () => {
    assert.equal(client('eth0'), '192.0.2.2 outside eth0 example');
    assert.equal(client('eth0', { family: 'ip6' }), '2001:db8::2 outside eth0 example');
    assert.equal(client('cni0'), '10.32.0.2 pod cni0 example');
    assert.equal(client('veth7', BY_INTERFACE), '198.51.100.1 pod veth7 example');
    assert.equal(client('tun0'), '198.51.100.1 outside tun0 example');
    // Of another machine: where pods are known by interface the name says it all.
    assert.equal(client('veth8', BY_INTERFACE), '198.51.100.1 pod veth8 example');
    assert.throws(() => client('veth8'), /this machine has no such interface/);
  });
});

test('interfaces of this machine are known by name', () => {
  assert.ok(interfacesByName().has('lo'));
});
