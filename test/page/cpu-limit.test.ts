import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CpuLimitError, withinCpu } from '../../src/page/cpu-limit.ts';
import { atOnce, type Steps } from '../../src/service/steps.ts';

/** Steps, each of which takes ten milliseconds by a clock of its own. */
function* work(steps: number, clock: { now: number }): Steps<string> {
  for (let i = 0; i < steps; i++) {
    clock.now += 10;
    yield;
  }
  clock.now += 10;
  return 'done';
}

suite('work within a limit of CPU time', () => {
  test('is done as if there were none, up to it', () => {
    const clock = { now: 0 };
    assert.equal(atOnce(withinCpu(work(3, clock), 50, () => clock.now)), 'done');
  });

  test('is stopped beyond it, within a step', () => {
    const clock = { now: 0 };
    assert.throws(() => atOnce(withinCpu(work(100, clock), 50, () => clock.now)), CpuLimitError);
    assert.equal(clock.now, 50);
  });

  test('counts what it takes itself only', () => {
    const clock = { now: 0 };
    const steps = withinCpu(work(3, clock), 50, () => clock.now);
    for (let next = steps.next(); !next.done; next = steps.next()) clock.now += 1000;
    assert.equal(clock.now, 3040);
  });

  test('goes by the time of this thread', () => {
    function* endless(): Steps<never> {
      for (;;) yield;
    }
    assert.throws(() => atOnce(withinCpu(endless(), 5)), /more than 5 ms of CPU time/);
  });
});
