import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { StateKeeper } from '../../src/saved-state/state-keeper.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { FakeClock } from '../sync/fake-clock.ts';

const HOUR = 3_600_000;

/** A keeper with a disk that only notes when it is written to, in seconds. */
function keeperOf() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const state = { isInTouch: true, failure: undefined as Error | undefined, work: 10 };
  const writes: number[] = [];
  const keeper = new StateKeeper({
    folder: '/state',
    nodeName: 'node-a',
    maxAge: 24 * HOUR,
    objects: () => [],
    isInTouch: () => state.isInTouch,
    log,
    clock,
    date: () => clock.now() + 1,
    write: async () => {
      if (state.failure !== undefined) throw state.failure;
      writes.push(clock.now() / 1000);
      return state.work;
    },
  });
  return { keeper, clock, writes, lines, state };
}

suite('the state is saved', () => {
  test('soon after it is whole, and not before', async () => {
    const { keeper, clock, writes } = keeperOf();
    keeper.changed();
    await clock.pass(60_000);
    assert.deepEqual(writes, []);
    keeper.begin();
    await clock.pass(60_000);
    assert.deepEqual(writes, [65]);
    assert.equal(keeper.savedAt, 65_001);
  });

  test('at most every 30 s, and only after changes', async () => {
    const { keeper, clock, writes } = keeperOf();
    keeper.begin();
    for (let second = 0; second < 90; second++) {
      await clock.pass(1000);
      if (second < 60) keeper.changed();
    }
    assert.deepEqual(writes, [5, 35, 65]);
  });

  test('less often where that takes long: half a percent of the time', async () => {
    const { keeper, clock, writes, state } = keeperOf();
    state.work = 1000;
    keeper.begin();
    for (let second = 0; second < 420; second++) {
      await clock.pass(1000);
      keeper.changed();
    }
    assert.deepEqual(writes, [5, 205, 405]);
  });

  test('again after an hour without a change, while there is an API server to know it from', async () => {
    const { keeper, clock, writes, state } = keeperOf();
    keeper.begin();
    await clock.pass(5000);
    await clock.pass(HOUR);
    assert.deepEqual(writes, [5, 3605]);
    state.isInTouch = false;
    for (let hours = 0; hours < 5; hours++) await clock.pass(HOUR);
    assert.deepEqual(writes, [5, 3605]);
    state.isInTouch = true;
    await clock.pass(HOUR);
    assert.equal(writes.length, 3);
  });

  test('at the end, if it is not on the disk yet', async () => {
    const { keeper, clock, writes } = keeperOf();
    keeper.begin();
    await clock.pass(5000);
    keeper.changed();
    await keeper.close();
    assert.deepEqual(writes, [5, 5]);
    keeper.changed();
    await clock.pass(HOUR);
    assert.deepEqual(writes, [5, 5]);
  });

  test('not at the end where nothing changed, or nothing was whole', async () => {
    const { keeper, clock, writes } = keeperOf();
    keeper.begin();
    await clock.pass(5000);
    await keeper.close();
    assert.deepEqual(writes, [5]);
    const early = keeperOf();
    early.keeper.changed();
    await early.keeper.close();
    assert.deepEqual(early.writes, []);
  });

  test('once there is room again, after one line', async () => {
    const { keeper, clock, writes, lines, state } = keeperOf();
    state.failure = new Error('ENOSPC: no space left on device, write');
    keeper.begin();
    for (let minute = 0; minute < 30; minute++) await clock.pass(60_000);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W the state cannot be saved in \/state: ENOSPC: .* retrying/);
    state.failure = undefined;
    for (let minute = 0; minute < 6; minute++) await clock.pass(60_000);
    assert.equal(writes.length, 1);
    assert.match(lines[1] ?? '', /^I the state is saved again in \/state/);
  });
});
