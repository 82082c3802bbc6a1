import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalText } from '../../../src/ruleset/elements/canonical-text.ts';
import { setsAndMapsOf } from '../../../src/ruleset/program/sets-and-maps.ts';

const fieldsOf = (family: 'ip' | 'ip6', name: string) =>
  setsAndMapsOf(family).find((setOrMap) => setOrMap.name === name)?.key ?? [];

describe('the text of a key in canonical form', () => {
  const canonical = [
    ['ip', 'services', '10.96.0.12 . tcp . 3306'],
    ['ip', 'services', '255.0.199.249 . sctp . 1'],
    ['ip', 'cluster-ips', '0.0.0.0'],
    ['ip', 'endpoints-udp', '10.96.0.10 . 53 . 12'],
    ['ip6', 'services', 'fd00:96::a . udp . 53'],
    ['ip6', 'cluster-ips', '::1'],
    ['ip', 'node-ports', 'tcp . 30080'],
  ] as const;
  for (const [family, name, text] of canonical)
    it(`is taken as it is: ${text}`, () => assert.equal(canonicalText(fieldsOf(family, name), text), text));

  const others = [
    ['ip', 'services', '10.96.0.012 . tcp . 3306', 'an octet with a leading zero'],
    ['ip', 'services', '10.96.0.256 . tcp . 3306', 'an octet that is none'],
    ['ip', 'services', '10.96.0.12 . 6 . 3306', 'a protocol by its number'],
    ['ip', 'services', '10.96.0.12 . tcp', 'a part is missing'],
    ['ip', 'services', '10.96.0.12 . tcp . 3306 . 1', 'one part too many'],
    ['ip', 'services', '10.96.0.12 . tcp . 3306\n', 'a line end'],
    ['ip', 'services', '*', 'the element for all others'],
    ['ip6', 'services', '::ffff:10.96.0.12 . tcp . 80', 'a dotted tail'],
    ['ip', 'pod-cidrs', '10.32.0.0/16', 'a network'],
  ] as const;
  for (const [family, name, text, what] of others)
    it(`is looked at part by part: ${what}`, () =>
      assert.equal(canonicalText(fieldsOf(family, name), text), undefined));
});
