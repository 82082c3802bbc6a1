import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { useOfServiceCidrs } from '../../src/service/service-cidr-use.ts';

const TAKEN = {
  nodeAddresses: ['192.0.2.1', '2001:db8:2::1'],
  apiServers: ['198.51.100.9'],
  podNetworks: ['10.32.0.0/16', 'fd00:32::/64'],
};

function use(cidrs: Readonly<Record<string, readonly string[]>>) {
  const { networks, unused } = useOfServiceCidrs(new Map(Object.entries(cidrs)), TAKEN);
  return { networks, unused: Object.fromEntries(unused) };
}

suite('ServiceCIDRs', () => {
  test('are used if they hold nothing else', () => {
    const cidrs = { kubernetes: ['10.96.0.0/12', 'fd00:96::/112'], more: ['10.200.0.0/24'], none: [] };
    assert.deepEqual(use(cidrs), { networks: ['10.96.0.0/12', 'fd00:96::/112', '10.200.0.0/24'], unused: {} });
  });

  const overlapping: readonly (readonly [cidr: string, why: string])[] = [
    ['192.0.2.0/24', 'holds 192.0.2.1, an address of this node'],
    ['192.0.2.1/32', 'holds 192.0.2.1, an address of this node'],
    ['2001:db8::/32', 'holds 2001:db8:2::1, an address of this node'],
    ['198.51.100.0/24', 'holds 198.51.100.9, the API server’s address'],
    ['10.0.0.0/8', 'overlaps the pod network 10.32.0.0/16'],
    ['10.32.0.0/16', 'overlaps the pod network 10.32.0.0/16'],
    ['10.32.128.0/20', 'overlaps the pod network 10.32.0.0/16'],
    ['fd00::/16', 'overlaps the pod network fd00:32::/64'],
  ];
  for (const [cidr, why] of overlapping) {
    test(`of which one ${why} (${cidr}) are used without that one`, () => {
      const other = cidr.includes(':') ? '10.97.0.0/16' : 'fd00:97::/112';
      assert.deepEqual(use({ bad: [other, cidr], kubernetes: ['10.96.0.0/16'] }), {
        networks: ['10.96.0.0/16'],
        unused: { bad: `its network ${cidr} ${why}` },
      });
    });
  }
});
