import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANGE_LIMIT, type Figures } from '../../scripts/bench/peer-figures.ts';
import { peerRows } from '../../scripts/bench/peer-rows.ts';

const followed = (...arrived: readonly number[]) => arrived.map((one) => ({ told: one / 2, arrived: one }));

const OURS: Figures = {
  starts: [
    { milliseconds: 900, cpu: 0.9 },
    { milliseconds: 1100, cpu: 1.1 },
  ],
  memory: { rss: 90, rssAnon: 30 },
  idle: 0.002,
  changes: followed(10, 12, 14),
  churns: [{ count: 500, rate: 50, followed: followed(20, 40), missing: 0, cpu: 2 }],
  restarts: [{ milliseconds: 700, cpu: 0.7 }],
};

const rowsOf = (ours: Figures, theirs: Figures) =>
  new Map(peerRows({ ours, theirs }).map(({ name, ...row }) => [name, row]));

test('peerRows: the same figure of both, and no name twice', () => {
  const theirs = { ...OURS, memory: { rss: 60, rssAnon: 20 }, changes: followed(100, 200, 300) };
  const rows = rowsOf(OURS, theirs);
  assert.equal(rows.size, peerRows({ ours: OURS, theirs }).length);
  assert.deepEqual(rows.get('beside kube-proxy: start until the last Service answers'), {
    unit: 'ms',
    value: 1000,
    theirs: 1000,
  });
  assert.deepEqual(rows.get('beside kube-proxy: RSS with children'), { unit: 'MiB', value: 90, theirs: 60 });
  assert.deepEqual(rows.get('beside kube-proxy: one change until traffic follows, max'), {
    unit: 'ms',
    value: 14,
    theirs: 300,
  });
  assert.deepEqual(rows.get('one change until a bare watch tells it, p50'), { unit: 'ms', value: 28.5 });
});

test('peerRows: CPU of a series, by the second and by the thousand', () => {
  const rows = rowsOf(OURS, { ...OURS, churns: OURS.churns.map((churn) => ({ ...churn, cpu: 1 })) });
  assert.deepEqual(rows.get('beside kube-proxy: CPU at 50 changes/s'), { unit: '%', value: 20, theirs: 10 });
  assert.deepEqual(rows.get('beside kube-proxy: CPU time for 1,000 changes at 50/s'), {
    unit: 's',
    value: 4,
    theirs: 2,
  });
});

test('peerRows: a change that was never in force is no fast one', () => {
  const theirs = { ...OURS, churns: OURS.churns.map((churn) => ({ ...churn, missing: 1 })) };
  const row = rowsOf(OURS, theirs).get('beside kube-proxy: a change at 50/s until traffic follows, p99');
  assert.deepEqual(row, { unit: 'ms', value: 40, theirs: CHANGE_LIMIT * 1000 });
});
