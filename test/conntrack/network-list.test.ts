import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { NetworkList } from '../../src/conntrack/network-list.ts';
import { type Cidr, canonicalAddress, type Family, isInCidr, parseCidr } from '../../src/ip.ts';

suite('the largest network outside of others', () => {
  const cases: readonly (readonly [address: string, networks: readonly string[], network: string | undefined])[] = [
    ['192.0.2.200', ['192.0.2.0/25'], '192.0.2.128/25'],
    ['203.0.113.9', ['198.51.100.7/32', '192.0.2.0/25'], '200.0.0.0/5'],
    ['192.0.2.1', ['192.0.2.0/32'], '192.0.2.1/32'],
    ['10.0.0.1', ['192.0.2.0/24'], '0.0.0.0/1'],
    ['10.0.0.1', [], '0.0.0.0/0'],
    ['10.0.0.1', ['fd00::/8'], '0.0.0.0/0'],
    ['10.0.0.1', ['0.0.0.0/0'], undefined],
    ['10.9.0.1', ['10.1.0.0/16', '10.0.0.0/8', '10.1.2.3/32'], undefined],
    ['fd00:1::9', ['2001:db8::1/128', 'fd00::/32'], 'fd00:1::/32'],
    ['fd00::9', ['fd00::/32'], undefined],
    ['::ffff:10.0.0.1', ['::/96'], '::8000:0:0/81'],
    ['ffff::', ['::/0'], undefined],
  ];
  for (const [address, networks, network] of cases) {
    test(`around ${address}, of ${networks.join(' and ') || 'none'}, is ${network}`, () => {
      const family = address.includes(':') ? 'ip6' : 'ip';
      assert.equal(new NetworkList(networks, family).outside(canonicalAddress(address)), network);
    });
  }

  /** Few values of bits, so that networks meet and lie inside each other. */
  const addressOf: Record<Family, fc.Arbitrary<string>> = {
    ip: fc.array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.')),
    ip6: fc
      .array(fc.constantFrom(0, 1, 0x7fff, 0x8000, 0xffff), { minLength: 8, maxLength: 8 })
      .map((groups) => canonicalAddress(groups.map((group) => group.toString(16)).join(':'))),
  };
  const overlap = (a: Cidr, b: Cidr) => isInCidr(a.address, b) || isInCidr(b.address, a);

  for (const family of ['ip', 'ip6'] as const) {
    test(`holds the address, touches none of them, and is the largest such, or the address is in one (${family})`, () => {
      const bits = family === 'ip' ? 32 : 128;
      const network = fc
        .tuple(addressOf[family], fc.integer({ min: 1, max: bits }))
        .map(([text, prefix]) => `${text}/${prefix}`);
      fc.assert(
        fc.property(addressOf[family], fc.array(network, { maxLength: 6 }), (inside, texts) => {
          const networks = texts.flatMap((text) => parseCidr(text) ?? []);
          const answer = new NetworkList(texts, family).outside(inside);
          const isIn = networks.some((cidr) => isInCidr(inside, cidr));
          assert.equal(answer === undefined, isIn);
          if (answer === undefined) return;
          const found = parseCidr(answer);
          assert.ok(found !== undefined && isInCidr(inside, found));
          assert.ok(!networks.some((cidr) => overlap(found, cidr)));
          const larger = parseCidr(`${inside}/${found.prefix - 1}`);
          assert.ok(larger === undefined || networks.some((cidr) => overlap(larger, cidr)));
        }),
        { numRuns: 500 },
      );
    });
  }
});
