import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalAddress, familyOf, isInCidr, networkTester, overlap, parseCidr, translatedIpv4 } from '../src/ip.ts';

suite('familyOf', () => {
  test('tells IPv4 from IPv6', () => {
    assert.equal(familyOf('10.96.0.1'), 'ip');
    assert.equal(familyOf('fd00::1'), 'ip6');
    assert.equal(familyOf('::ffff:10.0.0.1'), 'ip6');
  });

  for (const text of ['010.0.0.1', '10.0.0.08', '10.0.1', '0x0a000001', '10.0.0.256', ' 10.0.0.1', '10.0.0.1/32', '']) {
    test(`refuses ${JSON.stringify(text)}, which other programs read in another way or not at all`, () => {
      assert.equal(familyOf(text), undefined);
    });
  }

  for (const text of ['fe80::1%eth0', 'fd00::1::2', 'fd00:::1', '[fd00::1]', 'fd00::g']) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(familyOf(text), undefined));
  }
});

suite('canonicalAddress', () => {
  const forms: readonly [given: string, canonical: string][] = [
    ['FD00:0:0:0:0:0:0:000A', 'fd00::a'],
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['fd00:0:1:1:1:1:1:1', 'fd00:0:1:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['10.96.0.1', '10.96.0.1'],
  ];
  for (const [given, canonical] of forms) {
    test(`of ${given} is ${canonical}`, () => assert.equal(canonicalAddress(given), canonical));
  }
});

suite('parseCidr', () => {
  test('clears the host bits', () => {
    assert.deepEqual(parseCidr('10.244.7.9/16'), { family: 'ip', address: '10.244.0.0', prefix: 16 });
    assert.deepEqual(parseCidr('10.1.2.3/32'), { family: 'ip', address: '10.1.2.3', prefix: 32 });
    assert.deepEqual(parseCidr('10.1.2.3/0'), { family: 'ip', address: '0.0.0.0', prefix: 0 });
    assert.deepEqual(parseCidr('FD00:10:244::7/56'), { family: 'ip6', address: 'fd00:10:244::', prefix: 56 });
    assert.deepEqual(parseCidr('fd00::ffff/121'), { family: 'ip6', address: 'fd00::ff80', prefix: 121 });
  });

  test('allows blanks around it, as in a list', () => {
    assert.deepEqual(parseCidr(' 10.0.0.0/8 '), { family: 'ip', address: '10.0.0.0', prefix: 8 });
  });

  const refused = ['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/1e1'];
  for (const text of [...refused, '010.0.0.0/8', 'fe80::%eth0/10', '/8', '']) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseCidr(text), undefined));
  }
});

suite('every IPv6 address', () => {
  // inet_ntop, which nft prints with, has a dotted tail for some addresses; people write all of these.
  const spellings = (groups: readonly number[]): readonly string[] => {
    const hex = groups.map((group) => group.toString(16));
    const [high = 0, low = 0] = groups.slice(6);
    const dotted = [high >> 8, high & 255, low >> 8, low & 255].join('.');
    const compressed = groups.slice(0, 6).every((group) => group === 0) ? [`::${dotted}`] : [];
    return [hex.join(':'), hex.join(':').toUpperCase(), [...hex.slice(0, 6), dotted].join(':'), ...compressed];
  };

  test('has one canonical text, whatever its spelling, and no two addresses the same', () => {
    const group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff }));
    const address = fc.array(group, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(address, address, (one, other) => {
        const [first, ...more] = spellings(one).map(canonicalAddress);
        for (const text of more) assert.equal(text, first);
        assert.equal(canonicalAddress(first ?? ''), first);
        assert.equal(canonicalAddress(spellings(other)[0] ?? '') === first, one.join() === other.join());
        assert.equal(parseCidr(`${spellings(one).at(-1)}/128`)?.address, first);
      }),
      {
        examples: [
          [
            [0, 0, 0, 0, 0, 0, 0x102, 0x304],
            [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304],
          ],
        ],
      },
    );
  });
});

suite('networks', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  /** Few bits vary, so that addresses often lie in networks and networks in each other. */
  const ip4 = fc.tuple(fc.constantFrom(10, 11), fc.constantFrom(0, 128), byte).map(([a, b, c]) => `${a}.${b}.0.${c}`);
  const ip6 = fc
    .tuple(fc.constantFrom('fd00', 'fd01'), fc.constantFrom('0', '8000'), byte)
    .map(([a, b, c]) => canonicalAddress(`${a}:${b}::${c.toString(16)}`));
  const address = fc.oneof(ip4, ip6);
  const network = fc.oneof(
    fc.tuple(ip4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(ip6, fc.integer({ min: 0, max: 128 })),
  );
  const cidr = network.map(([base, prefix]) => `${base}/${prefix}`);
  const read = (text: string) => {
    const parsed = parseCidr(text);
    assert.ok(parsed);
    return parsed;
  };

  test('a tester says of an address what isInCidr says of one of them', () => {
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 3 }), address, (texts, candidate) => {
        const expected = texts.some((text) => isInCidr(candidate, read(text)));
        assert.equal(networkTester([...texts, 'none'])(candidate), expected);
      }),
    );
  });

  test('overlap if the first address of one lies in the other', () => {
    fc.assert(
      fc.property(cidr, cidr, (one, other) => {
        const [a, b] = [read(one), read(other)];
        const expected = isInCidr(a.address, b) || isInCidr(b.address, a);
        assert.deepEqual([overlap(a, b), overlap(b, a)], [expected, expected]);
      }),
    );
  });
});

suite('an IPv4 address that a router makes of an IPv6 address', () => {
  const cases: readonly (readonly [address: string, ip4: string | undefined])[] = [
    ['64:ff9b::a9fe:a9fe', '169.254.169.254'],
    ['64:ff9b::', '0.0.0.0'],
    ['64:ff9b::1', '0.0.0.1'],
    ['64:ff9b:0:0:1::1', undefined],
    ['64:ff9b:1::1', undefined],
    ['2002:a9fe:a9fe::1', '169.254.169.254'],
    ['2002::', '0.0.0.0'],
    ['2001:db8::1', undefined],
    ['169.254.169.254', undefined],
  ];
  for (const [address, ip4] of cases)
    test(`${address}: ${ip4 ?? 'none'}`, () => assert.equal(translatedIpv4(canonicalAddress(address)), ip4));
});
