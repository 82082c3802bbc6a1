import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { row } from '../../scripts/bench/row.ts';

suite('row', () => {
  test('has the keys of dist/bench.json and no others', () => {
    assert.deepEqual(row('first fill', '1000x5', 123.456, 'ms', 100), {
      name: 'first fill',
      size: '1000x5',
      value: 123,
      unit: 'ms',
      floor: 100,
      ratio: 1.23,
    });
  });

  test('without a floor has neither floor nor ratio', () => {
    const { floor, ratio } = row('peak', '1000x5', 26.54, 'MB');
    assert.deepEqual({ floor, ratio }, { floor: null, ratio: null });
  });

  test('nothing is no measure of anything', () => {
    const { floor, ratio } = row('idle CPU', '100x3', 0.1, '%', 0);
    assert.deepEqual({ floor, ratio }, { floor: 0, ratio: null });
  });

  test('keeps three digits, and all of a large number', () => {
    const values = [0.012345, 9.876, 26.54, 12345.6].map((value) => row('', '', value, 'ms').value);
    assert.deepEqual(values, [0.0123, 9.88, 26.5, 12346]);
  });

  test('takes the ratio before it rounds', () => {
    assert.equal(row('', '', 1.4449, 'ms', 1.0051).ratio, 1.44);
  });
});
