import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress, FAMILIES, familyOf, formatCidr, isInCidr, networkTester, parseCidr } from '../../src/ip.ts';
import { disjointCidrs, disjointSteps } from '../../src/service/disjoint-cidrs.ts';
import { atOnce } from '../../src/service/steps.ts';
import { shortestTimes } from '../builders/shortest-time.ts';

suite('networks without those inside of others', () => {
  test('are the same addresses, each once, in the order in which they were given', () => {
    const given = [
      '10.1.0.0/16',
      '10.0.0.0/8',
      '10.0.0.0/8',
      '9.0.0.0/8',
      '10.255.255.255/32',
      '11.0.0.0/32',
      'fd00::/8',
    ];
    assert.deepEqual(disjointCidrs(given, 'ip'), ['10.0.0.0/8', '9.0.0.0/8', '11.0.0.0/32']);
    const six = ['fd00:1::/32', '2001:db8::/32', 'fd00::/8', '::/0', '2001:db8::1/128'];
    assert.deepEqual(disjointCidrs(six, 'ip6'), ['::/0']);
    assert.deepEqual(disjointCidrs(six.slice(0, 3), 'ip6'), ['2001:db8::/32', 'fd00::/8']);
  });

  test('are what comparing each with all others leaves', () => {
    const octet = fc.constantFrom(0, 1, 2, 128, 255);
    const network = fc.tuple(octet, octet, octet, octet, fc.integer({ min: 0, max: 32 }));
    fc.assert(
      fc.property(fc.array(network, { maxLength: 20 }), (networks) => {
        const cidrs = networks.flatMap(([a, b, c, d, prefix]) => parseCidr(`${a}.${b}.${c}.${d}/${prefix}`) ?? []);
        const texts = [...new Set(cidrs.map(formatCidr))];
        const outermost = texts.filter((text) => {
          const inner = parseCidr(text);
          return !cidrs.some((outer) => inner && outer.prefix < inner.prefix && isInCidr(inner.address, outer));
        });
        assert.deepEqual(disjointCidrs(texts, 'ip'), outermost);
      }),
    );
  });

  test('tell which addresses lie in them', () => {
    const octet = fc.constantFrom(0, 1, 2, 128, 255);
    const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
    const six = fc
      .array(fc.constantFrom('0', '1', '80', 'ffff'), { minLength: 8, maxLength: 8 })
      .map((all) => all.join(':'));
    const network = fc.oneof(
      fc.tuple(address, fc.integer({ min: 0, max: 32 })),
      fc.tuple(six, fc.integer({ min: 0, max: 128 })),
    );
    fc.assert(
      fc.property(fc.array(network, { maxLength: 20 }), fc.oneof(address, six), (networks, tested) => {
        const texts = networks.map(([base, prefix]) => `${base}/${prefix}`);
        const canonical = canonicalAddress(tested);
        for (const family of FAMILIES) {
          const { includes } = atOnce(disjointSteps(texts, family));
          const expected = familyOf(canonical) === family && networkTester(texts)(canonical);
          assert.equal(includes(canonical), expected);
        }
      }),
    );
  });

  test('are found in steps of some thousands', () => {
    const steps = disjointSteps(
      Array.from({ length: 100_000 }, (_, i) => `${11 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`),
      'ip',
    );
    let count = 0;
    while (!steps.next().done) count++;
    assert.ok(count > 150, `${count}`);
  });

  // A Service may have as many source ranges as fit into an object.
  test('cost in proportion to their number', () => {
    const work = (count: number) => {
      const texts = Array.from(
        { length: count },
        (_, i) => `172.${i >> 12}.${(i >> 4) & 255}.${(i & 15) * 16}/${28 + (i % 4)}`,
      );
      return () => disjointCidrs(texts, 'ip');
    };
    const [few, many] = shortestTimes([work(250), work(2000)]);
    assert.ok(many < 20 * few, `${few} ms, then ${many} ms`);
  });
});
