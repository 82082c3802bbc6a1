import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Outcome } from './campaign.ts';
import { FAULTS } from './faults/all.ts';
import { bystandersLine, reportTable } from './report.ts';

function outcome(kind: string, changes: readonly number[]): Outcome {
  const fault = FAULTS.find((each) => each.kind === kind) ?? assert.fail(kind);
  const counts = { tried: 10, lostInside: 0, lostOutside: 0, examples: [] };
  return { fault, what: 'x', noticed: 100, repaired: 200, reachable: undefined, changes, ...counts };
}

suite('the report of a run', () => {
  const outcomes = [
    outcome('rule-deleted', [10, 20, 3000]),
    outcome('api-410', [60_000]),
    outcome('rule-deleted', [30]),
  ];

  test('says how long a Service that is not concerned waited, by kind and in all', () => {
    const rows = reportTable(outcomes).split('\n');
    const column = rows[0]?.split(' | ').indexOf('changes p50 s') ?? -1;
    const of = (kind: string) =>
      rows
        .find((row) => row.startsWith(`| ${kind} |`))
        ?.split(' | ')
        .slice(column, column + 2);
    assert.deepEqual(of('api-410'), ['60.00', '60.00']);
    assert.deepEqual(of('rule-deleted')?.[1], '3.00');
    assert.deepEqual(of('all')?.[1], '60.00');
  });

  test('has one line for all repairs, without faults that nothing is repaired of', () => {
    assert.match(
      bystandersLine(outcomes),
      /^bystanders' changes during repairs: 4, p50 0\.0\d s, p99 3\.00 s, the slowest 3\.00 s$/,
    );
    assert.match(bystandersLine([]), /: 0, p50 – s/);
  });
});
