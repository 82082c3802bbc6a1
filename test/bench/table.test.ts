import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { row } from '../../scripts/bench/row.ts';
import { markdownTable, tableHead, tableLine } from '../../scripts/bench/table.ts';

suite('tableLine', () => {
  test('stands under the head of the table', () => {
    const head = (tableHead().split('\n')[0] ?? '').replace(/ target$/, '');
    const line = tableLine(row('first fill', 'small', 150, 'ms', 100));
    const end = (text: string, word: string) => text.indexOf(word) + word.length;
    assert.equal(end(line, ' 150'), end(head, 'value'));
    assert.equal(end(line, ' 100'), end(head, 'floor'));
    assert.equal(end(line, '1.50'), end(head, 'ratio'));
  });

  test('ends with what its target says', () => {
    assert.match(tableLine(row('first fill', '30000x5', 150, 'ms', 100)), /1\.50 {2}met \(ratio at most 1\.5\)$/);
  });

  test('of a figure without floor and target ends with its unit', () => {
    assert.match(tableLine(row('peak', '1000x5', 26.5, 'MB')), /26\.5 MB$/);
  });
});

test('markdownTable: a line for the head, one for the alignment, one for each row', () => {
  const rows = [row('first fill', '30000x5', 160, 'ms', 100), row('peak', '', 26.5, 'MB')];
  assert.deepEqual(markdownTable(rows).split('\n'), [
    '| name | size | value | unit | floor | ratio | target |',
    '|---|---|---:|---|---:|---:|---|',
    '| first fill | 30000x5 | 160 | ms | 100 | 1.60 | missed by 7 % (ratio at most 1.5) |',
    '| peak |  | 26.5 | MB |  |  |  |',
  ]);
});
