import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Heartbeats } from '../../src/heartbeat/heartbeats.ts';
import { FakeClock } from '../sync/fake-clock.ts';

function start(families = 2) {
  const clock = new FakeClock();
  const beats: (readonly [number, boolean])[] = [];
  const heart = { beat: (isLate: boolean) => beats.push([clock.now(), isLate]) };
  const heartbeats = new Heartbeats(new Array<typeof heart>(families).fill(heart), clock);
  heartbeats.start();
  return { clock, beats, heartbeats };
}

suite('heartbeats', () => {
  test('come twice a second, of both families at the same moment', async () => {
    const { clock, beats } = start();
    await clock.pass(1100);
    assert.deepEqual(beats, [
      [500, false],
      [500, false],
      [1000, false],
      [1000, false],
    ]);
  });

  test('are late where this process was stopped, and in time again with the next one', async () => {
    const { clock, beats } = start(1);
    await clock.pass(600);
    clock.stall(10_000);
    await clock.pass(1000);
    assert.deepEqual(
      beats.map(([, isLate]) => isLate),
      [false, true, false, false],
    );
  });

  test('end when they are stopped', async () => {
    const { clock, beats, heartbeats } = start();
    heartbeats.stop();
    await clock.pass(5000);
    assert.deepEqual(beats, []);
  });
});
