import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type FamilyPace, Pace } from '../../src/sync/pace.ts';
import { FakeClock } from './fake-clock.ts';

/** Takes a turn, and notes when it came. */
function turnOf(pace: FamilyPace, clock: FakeClock, times: number[]): void {
  void pace.turn().then(() => times.push(clock.now()));
}

suite('the pace of transactions', () => {
  test('the first goes at once, the next after the interval, and after a pause one goes at once again', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 50).family();
    const times: number[] = [];
    turnOf(pace, clock, times);
    await clock.pass(10);
    turnOf(pace, clock, times);
    await clock.pass(200);
    turnOf(pace, clock, times);
    await clock.pass(0);
    assert.deepEqual(times, [0, 50, 210]);
  });

  test('changes that keep coming go every 50 ms', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 50).family();
    const times: number[] = [];
    for (let change = 0; change < 40; change++) {
      turnOf(pace, clock, times);
      await clock.pass(5);
    }
    assert.deepEqual([...new Set(times)], [0, 50, 100, 150, 200]);
  });

  test('what takes long goes seldom: three times as long passes before the next', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 50).family();
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      await pace.turn();
      times.push(clock.now());
      await clock.pass(40);
      pace.took(40);
      void clock.pass(1000);
    }
    assert.deepEqual(
      times.map((time, i) => time - (times[i - 1] ?? 0)),
      [0, 160, 160],
    );
  });

  test('but after 200 ms others may go, however long it took', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 50).family();
    await pace.turn();
    await clock.pass(1000);
    pace.took(1000);
    const times: number[] = [];
    turnOf(pace, clock, times);
    await clock.pass(5000);
    assert.deepEqual(times, [1200]);
  });

  test('both families go at the same moment', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 50);
    const [four, six] = [pace.family(), pace.family()];
    const times: number[] = [];
    turnOf(four, clock, times);
    turnOf(six, clock, times);
    await clock.pass(20);
    turnOf(four, clock, times);
    await clock.pass(10);
    turnOf(six, clock, times);
    await clock.pass(100);
    assert.deepEqual(times, [0, 0, 50, 50]);
  });

  test('a family that takes long does not slow the other', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 50);
    const [slow, quick] = [pace.family(), pace.family()];
    const times: number[] = [];
    slow.took(10_000);
    void slow.turn();
    turnOf(quick, clock, times);
    await clock.pass(10);
    turnOf(quick, clock, times);
    await clock.pass(100);
    assert.deepEqual(times, [0, 50]);
  });

  test('with an interval of 0 everything goes at once', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock, 0).family();
    const times: number[] = [];
    pace.took(1000);
    for (let i = 0; i < 3; i++) turnOf(pace, clock, times);
    await clock.pass(0);
    assert.deepEqual(times, [0, 0, 0]);
  });
});
