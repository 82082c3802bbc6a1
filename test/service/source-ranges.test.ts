import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Family } from '../../src/ip.ts';
import { sourceRangeSteps } from '../../src/service/source-ranges.ts';
import { atOnce } from '../../src/service/steps.ts';

function sourceRangesOf(list: readonly string[], family: Family) {
  return atOnce(sourceRangeSteps(list, family));
}

suite('the source ranges of a Service', () => {
  const list = ['192.0.2.0/24', '192.0.2.128/25', '2001:db8::/32', '203.0.113.7/32'];

  test('are those of a family, none inside another, and know which addresses are in them', () => {
    const { cidrs, includes } = sourceRangesOf(list, 'ip');
    assert.deepEqual(cidrs, ['192.0.2.0/24', '203.0.113.7/32']);
    assert.deepEqual(['192.0.2.200', '203.0.113.7', '203.0.113.8'].map(includes), [true, true, false]);
    const six = sourceRangesOf(list, 'ip6');
    assert.deepEqual(six.cidrs, ['2001:db8::/32']);
    assert.deepEqual(['2001:db8::1', '2001:db9::1'].map(six.includes), [true, false]);
  });

  test('are worked out once for a list, and anew for another', () => {
    assert.equal(sourceRangesOf(list, 'ip'), sourceRangesOf(list, 'ip'));
    assert.notEqual(sourceRangesOf([...list], 'ip'), sourceRangesOf(list, 'ip'));
  });

  test('of a Service that has none hold nobody', () => {
    const { cidrs, includes } = sourceRangesOf([], 'ip');
    assert.deepEqual([cidrs, includes('192.0.2.1')], [[], false]);
  });
});
