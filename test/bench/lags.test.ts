import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Lags } from '../../scripts/bench/lags.ts';
import { dueBy, paced } from '../../scripts/bench/paced.ts';

suite('Lags', () => {
  test('are from when a change was due to when it is in force', () => {
    const lags = new Lags();
    lags.came('a', 100);
    lags.came('b', 110);
    lags.done(['a'], 150);
    lags.done(['b', 'c'], 200);
    assert.deepEqual(lags.all, [50, 90]);
    assert.equal(lags.transactions, 2);
  });

  test('of a Service that changes again while it waits: from the first change on', () => {
    const lags = new Lags();
    lags.came('a', 100);
    lags.came('a', 190);
    lags.done(['a'], 200);
    assert.deepEqual(lags.all, [100]);
  });

  test('a transaction that brings nothing is none', () => {
    const lags = new Lags();
    lags.done([], 1);
    assert.equal(lags.transactions, 0);
  });

  test('reset forgets all, also what waits', () => {
    const lags = new Lags();
    lags.came('a', 100);
    lags.came('b', 100);
    lags.done(['a'], 150);
    lags.reset();
    lags.done(['b'], 200);
    assert.deepEqual(lags.all, []);
  });
});

suite('paced', () => {
  test('dueBy: the first at once, then one every 1/rate seconds', () => {
    assert.deepEqual(
      [0, 99, 100, 250].map((milliseconds) => dueBy(milliseconds, 10)),
      [1, 1, 2, 3],
    );
  });

  test('calls for each number once, in order, with the time it was due', async () => {
    const calls: number[] = [];
    const due: number[] = [];
    await paced(100, 2000, (i, when) => {
      calls.push(i);
      due.push(when);
    });
    assert.deepEqual(
      calls,
      Array.from({ length: 100 }, (_, i) => i),
    );
    assert.ok(Math.abs((due[99] ?? 0) - (due[0] ?? 0) - 49.5) < 0.001);
  });
});
