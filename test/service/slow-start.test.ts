import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { LONG_SINCE, nextSlowStartStep, SLOW_START_STEPS, slowStartStep } from '../../src/service/slow-start.ts';

const moments = fc.double({ min: 0, max: 1e10, noNaN: true });
const durations = fc.integer({ min: 1, max: 3600 });

suite('slow start', () => {
  test('begins at the first step, never goes back, and is at the last when its time is over', () => {
    fc.assert(
      fc.property(moments, durations, fc.double({ min: 0, max: 2, noNaN: true }), (since, seconds, part) => {
        const now = since + part * seconds * 1000;
        const step = slowStartStep(since, now, seconds);
        assert.ok(step >= 1 && step <= SLOW_START_STEPS);
        assert.ok(slowStartStep(since, now + 100, seconds) >= step);
        assert.equal(slowStartStep(since, since, seconds), 1);
        assert.equal(slowStartStep(since, since + seconds * 1000, seconds), SLOW_START_STEPS);
        if (part < 0.8) assert.ok(step < SLOW_START_STEPS);
      }),
    );
  });

  test('takes its next step when that is said to be, and not before', () => {
    fc.assert(
      fc.property(moments, durations, fc.nat(7), (since, seconds, steps) => {
        let now = since;
        for (let i = 0; i < steps; i++) now = nextSlowStartStep(now, seconds);
        const next = nextSlowStartStep(now, seconds);
        assert.ok(next > now && next <= now + (seconds * 1000) / SLOW_START_STEPS + 1e-3);
        const [before, after] = [slowStartStep(since, now, seconds), slowStartStep(since, next, seconds)];
        // The first step is the longer one.
        assert.equal(after, steps === 0 ? before : before + 1);
      }),
    );
  });

  test('is over for what has been there for long', () => {
    assert.equal(slowStartStep(LONG_SINCE, 0, 30), SLOW_START_STEPS);
  });
});
