import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { row } from '../../scripts/bench/row.ts';
import { targetOf, verdictOn } from '../../scripts/bench/targets.ts';

suite('verdictOn', () => {
  test('a ratio at its limit is met, above it is missed by so much', () => {
    assert.equal(verdictOn(row('first fill', '10000x5', 150, 'ms', 100)), 'met (ratio at most 1.5)');
    assert.equal(verdictOn(row('first fill', '10000x5', 180, 'ms', 100)), 'missed by 20 % (ratio at most 1.5)');
  });

  test('a value that is to be large is missed below its limit', () => {
    const sustained = (rate: number) => verdictOn(row('sustained changes with lag below 1 s', '10000x5', rate, '/s'));
    assert.equal(sustained(2000), 'met (value at least 2000)');
    assert.equal(sustained(1500), 'missed by 25 % (value at least 2000)');
  });

  test('of nothing at all there is no percentage', () => {
    const written = (count: number) => verdictOn(row('restart, unchanged cluster: elements written', '', count, ''));
    assert.equal(written(0), 'met (value at most 0)');
    assert.equal(written(3), 'missed (value at most 0)');
  });

  test('a figure without target, or of a size without one, has no verdict', () => {
    assert.equal(verdictOn(row('RSS of the executable, manifests', 'idle', 100, 'MiB')), '');
    assert.equal(verdictOn(row('first fill', '100x5', 500, 'ms', 100)), '');
  });

  test('each size has its own limit', () => {
    const limits = ['idle', '10000x5', '30000x5'].map(
      (size) => targetOf({ name: 'RssAnon of the executable, API server', size })?.limit,
    );
    assert.deepEqual(limits, [28, 80, 170]);
  });
});
