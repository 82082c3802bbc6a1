import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseCidr } from '../../src/ip.ts';
import { whyUnused } from '../../src/service/service-cidr-use.ts';

const TAKEN = {
  addresses: [
    ['192.0.2.1', 'an address of this node'],
    ['2001:db8:2::1', 'an address of this node'],
    ['198.51.100.9', 'an API server’s address'],
  ],
  podNetworks: ['10.32.0.0/16', 'fd00:32::/64'].flatMap((text) => parseCidr(text) ?? []),
} as const;

const why = (...networks: readonly string[]) => whyUnused(networks, TAKEN, () => false);

suite('a ServiceCIDR', () => {
  test('is used if it holds nothing else', () => {
    for (const networks of [['10.96.0.0/12', 'fd00:96::/112'], ['10.200.0.0/24'], []])
      assert.equal(why(...networks), undefined);
  });

  const overlapping: readonly (readonly [cidr: string, why: string])[] = [
    ['192.0.2.0/24', 'holds 192.0.2.1, an address of this node'],
    ['192.0.2.1/32', 'holds 192.0.2.1, an address of this node'],
    ['2001:db8::/32', 'holds 2001:db8:2::1, an address of this node'],
    ['198.51.100.0/24', 'holds 198.51.100.9, an API server’s address'],
    ['10.0.0.0/8', 'overlaps the pod network 10.32.0.0/16'],
    ['10.32.0.0/16', 'overlaps the pod network 10.32.0.0/16'],
    ['10.32.128.0/20', 'overlaps the pod network 10.32.0.0/16'],
    ['fd00::/16', 'overlaps the pod network fd00:32::/64'],
  ];
  for (const [cidr, reason] of overlapping) {
    test(`is not used if it ${reason} (${cidr}), whatever else it has`, () => {
      assert.equal(why(cidr), `its network ${cidr} ${reason}`);
      assert.equal(why('10.97.0.0/16', cidr), `its network ${cidr} ${reason}`);
    });
  }

  test('is used if the address that it holds is a Service’s', () => {
    const tested: string[] = [];
    const isServices = (address: string) => tested.push(address) > 0;
    assert.equal(whyUnused(['192.0.2.0/24', '10.96.0.0/16'], TAKEN, isServices), undefined);
    assert.deepEqual(tested, ['192.0.2.1']);
  });
});
