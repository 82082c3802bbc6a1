import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { StepRing } from '../../src/page/step-ring.ts';

/** A ring whose clock goes when the test says so, in milliseconds. */
function setUp(begin = 5_000) {
  const clock = { now: begin };
  const ring = new StepRing(() => clock.now);
  const last = (values: readonly unknown[], count: number) => values.slice(-count);
  return { clock, ring, last };
}

suite('the numbers of the last hour', () => {
  test('are of steps of ten seconds, the newest last', () => {
    const { clock, ring, last } = setUp();
    ring.changed(10);
    ring.changed(30);
    clock.now = 25_000;
    ring.changed(7);
    const { changes, mean, longest, step, at } = ring.history(1_000_000);
    assert.equal(step, 10_000);
    assert.equal(at, 995_000, 'the newest step began five seconds ago');
    assert.deepEqual(last(changes, 4), [0, 2, 0, 1]);
    assert.deepEqual(last(mean, 4), [null, 20, null, 7]);
    assert.deepEqual(last(longest, 4), [null, 30, null, 7]);
    assert.deepEqual([changes.length, mean.length, longest.length], [360, 360, 360]);
  });

  test('have connections only where somebody looked', () => {
    const { clock, ring, last } = setUp();
    ring.counted({ served: 1.5, refused: 0, dropped: 0.25 });
    clock.now += 20_000;
    const { served, refused, dropped } = ring.history(0);
    assert.deepEqual(
      [last(served, 3), last(refused, 3), last(dropped, 3)],
      [
        [1.5, null, null],
        [0, null, null],
        [0.25, null, null],
      ],
    );
  });

  test('are gone after an hour, whether somebody looks meanwhile or not', () => {
    for (const looks of [[], [1_800_000], [3_599_000], [3_600_000, 7_000_000]]) {
      const { clock, ring } = setUp(0);
      ring.changed(10);
      ring.counted({ served: 1, refused: 1, dropped: 1 });
      for (const at of looks) {
        clock.now = at;
        ring.history(0);
      }
      clock.now = 7_200_001;
      const { changes, mean, served } = ring.history(0);
      assert.ok(changes.every((count) => count === 0));
      assert.ok([...mean, ...served].every((value) => value === null));
    }
  });

  test('are there for a whole hour', () => {
    const { clock, ring } = setUp(0);
    ring.changed(10);
    clock.now = 3_599_999;
    assert.equal(ring.history(0).longest[0], 10);
    clock.now = 3_600_000;
    assert.equal(ring.history(0).longest[0], null);
  });
});
