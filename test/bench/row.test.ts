import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { row, tableHead, tableLine } from '../../scripts/bench/row.ts';

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

  test('keeps three digits, and all of a large number', () => {
    const values = [0.012345, 9.876, 26.54, 12345.6].map((value) => row('', '', value, 'ms').value);
    assert.deepEqual(values, [0.0123, 9.88, 26.5, 12346]);
  });

  test('takes the ratio before it rounds', () => {
    assert.equal(row('', '', 1.4449, 'ms', 1.0051).ratio, 1.44);
  });
});

suite('tableLine', () => {
  test('stands under the head of the table', () => {
    const head = (tableHead().split('\n')[0] ?? '').replace(/ target$/, '');
    const line = tableLine(row('first fill', 'small', 150, 'ms', 100), 1.5);
    const end = (text: string, word: string) => text.indexOf(word) + word.length;
    assert.equal(end(line, ' 150'), end(head, 'value'));
    assert.equal(end(line, ' 100'), end(head, 'floor'));
    assert.equal(end(line, '1.50'), end(head, 'ratio'));
  });

  test('says whether the target is met; at the target it is', () => {
    assert.match(tableLine(row('', '', 150, 'ms', 100), 1.5), /1\.50 {2}ok \(at most 1\.5\)$/);
    assert.match(tableLine(row('', '', 151, 'ms', 100), 1.5), /1\.51 {2}MISSED \(at most 1\.5\)$/);
  });

  test('of a figure without floor ends with its unit', () => {
    assert.match(tableLine(row('peak', '1000x5', 26.5, 'MB')), /26\.5 MB$/);
    assert.match(tableLine(row('peak', '1000x5', 26.5, 'MB'), 1.5), /26\.5 MB$/);
  });
});
