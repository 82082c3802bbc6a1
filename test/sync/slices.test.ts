import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { atOnce, type Steps } from '../../src/service/steps.ts';
import { inSlices } from '../../src/sync/slices.ts';

/** Work of so many steps, of which each takes a few milliseconds. */
function* work(count: number, onStep: () => void): Steps<string> {
  for (let step = 0; step < count; step++) {
    for (const end = performance.now() + 4; performance.now() < end; );
    onStep();
    yield;
  }
  return 'done';
}

suite('work in slices', () => {
  test('lets others have their turn every few steps', async () => {
    const order: string[] = [];
    const beat = setInterval(() => order.push('beat'), 1);
    assert.equal(await inSlices(work(20, () => order.push('step'))), 'done');
    clearInterval(beat);
    assert.ok(order.indexOf('beat') <= 4, order.join());
    assert.ok(order.filter((what) => what === 'beat').length >= 5, order.join());
  });

  test('gives what arrives several turns in a row, but not all', async () => {
    const order: string[] = [];
    const arrive = () => {
      for (const end = performance.now() + 4; performance.now() < end; );
      order.push('arrival');
      if (order.filter((what) => what === 'arrival').length < 100) setImmediate(arrive);
    };
    setImmediate(arrive);
    await inSlices(
      work(12, () => order.push('step')),
      { others: 40 },
    );
    const arrived = order.slice(0, order.lastIndexOf('step')).filter((what) => what === 'arrival');
    assert.ok(arrived.length > 16, order.join());
    assert.ok(arrived.length < 100, order.join());
  });

  test('of many short works in a row lets others have their turn, too', async () => {
    const order: string[] = [];
    const beat = setInterval(() => order.push('beat'), 1);
    for (let i = 0; i < 20; i++) await inSlices(work(1, () => order.push('step')));
    clearInterval(beat);
    assert.ok(order.indexOf('beat') <= 4, order.join());
    assert.ok(order.filter((what) => what === 'beat').length >= 5, order.join());
  });

  test('can be done at once', () => {
    let steps = 0;
    assert.equal(atOnce(work(3, () => steps++)), 'done');
    assert.equal(steps, 3);
  });
});
