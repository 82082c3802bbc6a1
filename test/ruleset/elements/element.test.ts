import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Family } from '../../../src/ip.ts';
import { elementJson, keyJson } from '../../../src/nft/json/element-json.ts';
import { commentOf, type Element } from '../../../src/ruleset/elements/element.ts';
import type { SetOrMap } from '../../../src/ruleset/elements/set-or-map.ts';
import { setsAndMapsOf } from '../../../src/ruleset/program/sets-and-maps.ts';

function setOrMap(name: string, family: Family = 'ip'): SetOrMap {
  const found = setsAndMapsOf(family).find((candidate) => candidate.name === name);
  assert.ok(found);
  return found;
}

suite('an element as libnftables JSON', () => {
  test('of a verdict map has the protocol as a number and the comment beside the key', () => {
    const element: Element = {
      setOrMap: setOrMap('services'),
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
    const key = { setOrMap: setOrMap('endpoints-udp', 'ip6'), key: 'fd00:96::a . 53 . 3' };
    assert.deepEqual(JSON.parse(elementJson({ ...key, value: 'fd00::7 . 5353', comment: '' })), [
      { concat: ['fd00:96::a', 53, 3] },
      { concat: ['fd00::7', 5353] },
    ]);
  });

  test('of an interval set is a network, alone or as a part of the key', () => {
    const network = { setOrMap: setOrMap('pod-cidrs'), key: '10.244.0.0/16', value: '', comment: '' };
    assert.deepEqual(JSON.parse(elementJson(network)), { prefix: { addr: '10.244.0.0', len: 16 } });
    const range = { setOrMap: setOrMap('source-ranges', 'ip6'), key: 'fd00:96::a . tcp . 80 . fd00::/16' };
    assert.deepEqual(JSON.parse(elementJson({ ...range, value: '', comment: 'default/web:http' })), {
      elem: {
        val: { concat: ['fd00:96::a', 6, 80, { prefix: { addr: 'fd00::', len: 16 } }] },
        comment: 'default/web:http',
      },
    });
  });

  test('of a set is its key', () => {
    const element = { setOrMap: setOrMap('cluster-ips'), key: '10.96.0.10', value: '', comment: '' };
    assert.deepEqual(JSON.parse(elementJson(element)), '10.96.0.10');
  });
});

suite('a comment', () => {
  test('of 128 characters stays, a longer one is cut to 128', () => {
    const longest = 'a'.repeat(128);
    assert.equal(commentOf(longest), longest);
    assert.equal(commentOf(`${longest}b`), `${'a'.repeat(125)}...`);
  });
});
