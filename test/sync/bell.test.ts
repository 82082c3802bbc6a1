import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Bell } from '../../src/sync/bell.ts';
import { FakeClock } from './fake-clock.ts';

/** A bell, and what came of each sleep: the time, and whether the bell rang. */
function setUp() {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  const woken: string[] = [];
  const sleep = async (ms: number) => {
    const wasRung = await bell.sleep(ms);
    woken.push(`${clock.now()} ${wasRung ? 'rung' : 'quiet'}`);
  };
  return { clock, bell, woken, sleep };
}

suite('a sleeper', () => {
  test('wakes at a ring, or when its time is over', async () => {
    const { clock, bell, woken, sleep } = setUp();
    void sleep(100);
    await clock.pass(30);
    bell.ring();
    await clock.pass(100);
    void sleep(100);
    await clock.pass(1000);
    assert.deepEqual(woken, ['30 rung', '230 quiet']);
  });

  test('wakes at once, and once, if the bell rang before', async () => {
    const { clock, bell, woken, sleep } = setUp();
    bell.ring();
    bell.ring();
    void sleep(100);
    await clock.pass(10);
    void sleep(100);
    await clock.pass(1000);
    assert.deepEqual(woken, ['0 rung', '110 quiet']);
  });
});

suite('work', () => {
  test('is done after each ring, and after each rest of at least 20 ms, until the end', async () => {
    const { clock, bell } = setUp();
    const stop = new AbortController();
    const begun: number[] = [];
    let rest = 0;
    const work = async () => {
      begun.push(clock.now());
      rest = 100;
    };
    const ended = bell.workAfterEach(stop.signal, () => rest, work);
    await clock.pass(150);
    bell.ring();
    await clock.pass(10);
    stop.abort();
    await ended;
    assert.deepEqual(begun, [20, 120, 150]);
  });
});
