import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { canonicalAddress, familyOf, parseCidr } from '../src/ip.ts';

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
