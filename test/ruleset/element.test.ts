import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Family } from '../../src/ip.ts';
import { canonicalAddress, parseCidr } from '../../src/ip.ts';
import { type Container, containersOf, type Field, PROTOCOLS } from '../../src/ruleset/container.ts';
import { commentOf, concat, type Element, elementJson, keyJson, parseElement } from '../../src/ruleset/element.ts';

function container(name: string, family: Family = 'ip'): Container {
  const found = containersOf(family).find((candidate) => candidate.name === name);
  assert.ok(found);
  return found;
}

/** Any text of a field, in its canonical form. */
function fieldText({ type }: Field, family: Family): fc.Arbitrary<string> {
  const address = family === 'ip' ? fc.ipV4() : fc.ipV6().map(canonicalAddress);
  switch (type) {
    case 'address':
      return address;
    case 'protocol':
      return fc.constantFrom(...PROTOCOLS);
    case 'port':
      return fc.integer({ min: 1, max: 65535 }).map(String);
    case 'slot':
      return fc.nat({ max: 65535 }).map(String);
    case 'cidr':
      return fc.tuple(address, fc.integer({ min: 1, max: family === 'ip' ? 32 : 128 })).map(([ip, prefix]) => {
        const cidr = parseCidr(`${ip}/${prefix}`);
        return `${cidr?.address}/${cidr?.prefix}`;
      });
  }
}

function elementOf(target: Container, family: Family): fc.Arbitrary<Element> {
  const fields = (list: readonly Field[]) =>
    fc.tuple(...list.map((field) => fieldText(field, family))).map((parts) => concat(...parts));
  const { value } = target;
  const values = value === 'verdict' ? fc.constantFrom('goto pick-tcp-1', 'goto refuse', 'drop') : fields(value ?? []);
  const comments = fc.constantFrom('', 'default/web:http', 'a"b\\c');
  return fc
    .tuple(fields(target.key), values, comments)
    .map(([key, value, comment]) => ({ container: target, key, value, comment }));
}

suite('an element as libnftables JSON', () => {
  for (const family of ['ip', 'ip6'] as const) {
    for (const target of containersOf(family)) {
      test(`of ${family} ${target.name} is read back as it was`, () => {
        const same = (element: Element) =>
          assert.deepEqual(parseElement(target, JSON.parse(elementJson(element))), element);
        fc.assert(fc.property(elementOf(target, family), same));
      });
    }
  }

  test('of a verdict map has the protocol as a number and the comment beside the key', () => {
    const element: Element = {
      container: container('services'),
      key: '10.96.0.10 . sctp . 80',
      value: 'goto pick-sctp-2',
      comment: 'default/web:http',
    };
    assert.deepEqual(JSON.parse(elementJson(element)), [
      { elem: { val: { concat: ['10.96.0.10', 132, 80] }, comment: 'default/web:http' } },
      { goto: { target: 'pick-sctp-2' } },
    ]);
    assert.deepEqual(JSON.parse(keyJson(element)), { concat: ['10.96.0.10', 132, 80] });
  });

  test('of an endpoint map has an endpoint as value', () => {
    const key = { container: container('endpoints-udp', 'ip6'), key: 'fd00:96::a . 53 . 3' };
    assert.deepEqual(JSON.parse(elementJson({ ...key, value: 'fd00::7 . 5353', comment: '' })), [
      { concat: ['fd00:96::a', 53, 3] },
      { concat: ['fd00::7', 5353] },
    ]);
  });

  test('of a set is its key', () => {
    const element = { container: container('cluster-ips'), key: '10.96.0.10', value: '', comment: '' };
    assert.deepEqual(JSON.parse(elementJson(element)), '10.96.0.10');
  });
});

suite('an element that nft lists', () => {
  const key = '10.96.0.10 . tcp . 80';
  for (const protocol of ['tcp', 6]) {
    test(`may have its protocol as ${JSON.stringify(protocol)}`, () => {
      const json = [{ concat: ['10.96.0.10', protocol, 80] }, { goto: { target: 'pick-tcp-1' } }];
      const services = container('services');
      assert.deepEqual(parseElement(services, json), {
        container: services,
        key,
        value: 'goto pick-tcp-1',
        comment: '',
      });
    });
  }

  const prefixes: readonly [title: string, json: unknown, family: Family, key: string][] = [
    ['a prefix', { prefix: { addr: '10.244.0.0', len: 16 } }, 'ip', '10.244.0.0/16'],
    ['a prefix with host bits', { prefix: { addr: '10.244.3.4', len: 16 } }, 'ip', '10.244.0.0/16'],
    ['a single address', '10.244.3.4', 'ip', '10.244.3.4/32'],
    ['a single IPv6 address', 'FD00::0001', 'ip6', 'fd00::1/128'],
    ['an IPv6 prefix', { prefix: { addr: 'fd00:10::', len: 56 } }, 'ip6', 'fd00:10::/56'],
  ];
  for (const [title, json, family, text] of prefixes) {
    test(`of an interval set may be ${title}`, () => {
      assert.equal(parseElement(container('pod-cidrs', family), json)?.key, text);
    });
  }

  test('has its IPv6 addresses made canonical', () => {
    assert.equal(parseElement(container('cluster-ips', 'ip6'), 'fd00:0:0::1')?.key, 'fd00::1');
  });

  const strange: readonly [title: string, container: string, json: unknown][] = [
    ['a protocol we never write', 'services', [{ concat: ['10.96.0.10', 'icmp', 80] }, { drop: null }]],
    ['too few parts', 'services', [{ concat: ['10.96.0.10', 6] }, { drop: null }]],
    ['a key without a value', 'services', { concat: ['10.96.0.10', 6, 80] }],
    ['a range', 'pod-cidrs', { range: ['10.0.0.1', '10.0.0.9'] }],
    ['a number for an address', 'cluster-ips', 10],
    ['a text for a port', 'services', [{ concat: ['10.96.0.10', 6, 'http'] }, { drop: null }]],
    ['null', 'hairpin', null],
  ];
  for (const [title, name, json] of strange) {
    test(`is none of ours with ${title}`, () => assert.equal(parseElement(container(name), json), undefined));
  }
});

suite('a comment', () => {
  test('of 128 characters stays, a longer one is cut to 128', () => {
    const longest = 'a'.repeat(128);
    assert.equal(commentOf(longest), longest);
    assert.equal(commentOf(`${longest}b`), `${'a'.repeat(125)}...`);
  });
});
