import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Family } from '../../../src/ip.ts';
import { canonicalAddress, parseCidr } from '../../../src/ip.ts';
import { keyJson } from '../../../src/nft/json/element-json.ts';
import { concat, type Element } from '../../../src/ruleset/elements/element.ts';
import { elementText, parseElements } from '../../../src/ruleset/elements/element-text.ts';
import { type Field, PROTOCOLS, type SetOrMap } from '../../../src/ruleset/elements/set-or-map.ts';
import { setsAndMapsOf } from '../../../src/ruleset/program/sets-and-maps.ts';

function setOrMap(name: string, family: Family = 'ip'): SetOrMap {
  const found = setsAndMapsOf(family).find((candidate) => candidate.name === name);
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
      return fc.tuple(address, fc.integer({ min: 0, max: family === 'ip' ? 32 : 128 })).map(([ip, prefix]) => {
        const cidr = parseCidr(`${ip}/${prefix}`);
        return `${cidr?.address}/${cidr?.prefix}`;
      });
  }
}

function elementOf(target: SetOrMap, family: Family): fc.Arbitrary<Element> {
  const fields = (list: readonly Field[]) =>
    fc.tuple(...list.map((field) => fieldText(field, family))).map((parts) => concat(...parts));
  const { value } = target;
  const values = value === 'verdict' ? fc.constantFrom('goto pick-tcp-1', 'goto refuse', 'drop') : fields(value ?? []);
  const comments = fc.constantFrom('', 'default/web:http', 'a, b : c \\ { }');
  return fc
    .tuple(fields(target.key), values, comments)
    .map(([key, value, comment]) => ({ setOrMap: target, key, value, comment }));
}

suite('an element as nft lists it', () => {
  for (const family of ['ip', 'ip6'] as const) {
    for (const target of setsAndMapsOf(family)) {
      test(`of ${family} ${target.name} is read back as it was, alone and among others`, () => {
        const same = (elements: readonly Element[]) =>
          assert.deepEqual(parseElements(target, elements.map(elementText).join(', ')), elements);
        fc.assert(fc.property(fc.array(elementOf(target, family), { minLength: 1, maxLength: 3 }), same));
      });
    }
  }

  test('comes in lines that end with a comma', () => {
    const text = '\t\t\t     10.96.0.10 . tcp . 80 comment "default/a:http" : goto pick-tcp-1,';
    assert.deepEqual(parseElements(setOrMap('services'), text), [
      {
        setOrMap: setOrMap('services'),
        key: '10.96.0.10 . tcp . 80',
        value: 'goto pick-tcp-1',
        comment: 'default/a:http',
      },
    ]);
    assert.deepEqual(
      parseElements(setOrMap('cluster-ips'), '\t\t\t     10.96.0.10, 10.96.0.11,')?.map(({ key }) => key),
      ['10.96.0.10', '10.96.0.11'],
    );
  });

  for (const protocol of ['tcp', '6']) {
    test(`may have its protocol as ${protocol}`, () => {
      const services = setOrMap('services');
      const [element] = parseElements(services, `10.96.0.10 . ${protocol} . 80 : goto pick-tcp-1`) ?? [];
      assert.equal(element?.key, '10.96.0.10 . tcp . 80');
    });
  }

  const prefixes: readonly [text: string, family: Family, key: string][] = [
    ['10.244.0.0/16', 'ip', '10.244.0.0/16'],
    ['10.244.3.4/16', 'ip', '10.244.0.0/16'],
    ['10.244.3.4', 'ip', '10.244.3.4/32'],
    ['0.0.0.0/0', 'ip', '0.0.0.0/0'],
    ['FD00::0001', 'ip6', 'fd00::1/128'],
    ['fd00:10::/56', 'ip6', 'fd00:10::/56'],
  ];
  for (const [text, family, key] of prefixes) {
    test(`of an interval set may be ${text}`, () => {
      assert.deepEqual(
        parseElements(setOrMap('pod-cidrs', family), text)?.map((element) => element.key),
        [key],
      );
    });
  }

  test('has IPv6 addresses with a dotted tail made canonical', () => {
    const [element] = parseElements(setOrMap('cluster-ips', 'ip6'), '::ffff:10.0.0.1') ?? [];
    assert.equal(element?.key, '::ffff:a00:1');
  });

  const foreign: readonly [setOrMap: string, family: Family, text: string, json: unknown][] = [
    ['pod-cidrs', 'ip', '10.0.0.1-10.0.0.9', { range: ['10.0.0.1', '10.0.0.9'] }],
    ['pod-cidrs', 'ip6', 'fd00::1-fd00::9', { range: ['fd00::1', 'fd00::9'] }],
    [
      'source-ranges',
      'ip',
      '10.96.0.1-10.96.0.4 . 6-17 . 80-90 . 10.0.0.1-10.0.0.9',
      {
        concat: [
          { range: ['10.96.0.1', '10.96.0.4'] },
          { range: [6, 17] },
          { range: [80, 90] },
          { range: ['10.0.0.1', '10.0.0.9'] },
        ],
      },
    ],
    [
      'source-ranges',
      'ip6',
      'fd00:96::/64 . tcp . 80 . ::/0',
      { concat: [{ prefix: { addr: 'fd00:96::', len: 64 } }, 6, 80, { prefix: { addr: '::', len: 0 } }] },
    ],
    ['services', 'ip', '*', '*'],
    ['services', 'ip', '10.96.0.10 . gre . 80', { concat: ['10.96.0.10', 'gre', 80] }],
    ['services', 'ip', '10.96.0.10 . 200 . 80', { concat: ['10.96.0.10', 200, 80] }],
  ];
  for (const [name, family, text, json] of foreign) {
    test(`that none of ours could be is read, so that it can be deleted: ${text} (${name})`, () => {
      const target = setOrMap(name, family);
      const [element] = parseElements(target, `${text}${target.value === undefined ? '' : ' : drop'}`) ?? [];
      assert.ok(element !== undefined);
      assert.deepEqual(JSON.parse(keyJson(element)), json);
    });
  }

  const strange: readonly [title: string, setOrMap: string, text: string][] = [
    ['what is no protocol', 'services', '10.96.0.10 . tcp-udp . 80 : drop'],
    ['too few parts', 'services', '10.96.0.10 . tcp : drop'],
    ['a key without a value', 'services', '10.96.0.10 . tcp . 80'],
    ['a key and a comment without a value', 'services', '10.96.0.10 . tcp . 80 comment "a"'],
    ['a value in a set', 'cluster-ips', '10.96.0.10 : drop'],
    ['a value after the comment in a set', 'cluster-ips', '10.96.0.10 comment "a" : drop'],
    ['a range in a set without intervals', 'cluster-ips', '10.0.0.1-10.0.0.9'],
    ['a range without an end', 'pod-cidrs', '10.0.0.1-'],
    ['a range of three', 'pod-cidrs', '10.0.0.1-10.0.0.2-10.0.0.3'],
    ['a range of networks', 'pod-cidrs', '10.0.0.0/8-11.0.0.0/8'],
    ['a number for an address', 'cluster-ips', '10'],
    ['a text for a port', 'services', '10.96.0.10 . tcp . http : drop'],
    ['a quote that does not end', 'services', '10.96.0.10 . tcp . 80 comment "a : drop'],
    ['text after the comment', 'cluster-ips', '10.96.0.10 comment "a" comment "b"'],
    ['a time limit', 'cluster-ips', '10.96.0.10 timeout 1s'],
    ['nothing', 'cluster-ips', ','],
  ];
  for (const [title, name, text] of strange) {
    test(`is none of ours with ${title}`, () => assert.equal(parseElements(setOrMap(name), text), undefined));
  }
});
