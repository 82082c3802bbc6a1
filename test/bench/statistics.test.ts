import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { mean, median, percentile, rotated } from '../../scripts/bench/statistics.ts';

suite('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  test('is a sample that this share of the samples does not exceed', () => {
    assert.equal(percentile(hundred, 50), 50);
    assert.equal(percentile(hundred, 99), 99);
    assert.equal(percentile(hundred, 100), 100);
  });

  test('of few samples is still one of them', () => {
    assert.equal(percentile([30, 10, 20], 50), 20);
    assert.equal(percentile([30, 10, 20], 99), 30);
    assert.equal(percentile([7], 1), 7);
  });

  test('sorts by value, not by text', () => {
    assert.equal(percentile([9, 10, 100], 50), 10);
  });

  test('of no samples is an error', () => {
    assert.throws(() => percentile([], 50), /no samples/);
  });
});

suite('median', () => {
  test('of an odd number of samples is the one in the middle', () => {
    assert.equal(median([100, 9, 10]), 10);
    assert.equal(median([5]), 5);
  });

  test('of an even number is the mean of the two in the middle', () => {
    assert.equal(median([4, 1, 3, 100]), 3.5);
  });

  test('of no samples is an error', () => {
    assert.throws(() => median([]), /no samples/);
  });
});

test('rotated: each item comes first once in as many turns as there are items', () => {
  const turns = [0, 1, 2, 3].map((turn) => rotated(['a', 'b', 'c'], turn).join(''));
  assert.deepEqual(turns, ['abc', 'bca', 'cab', 'abc']);
});

test('mean: of no samples is an error', () => {
  assert.equal(mean([1, 2, 6]), 3);
  assert.throws(() => mean([]), /no samples/);
});
