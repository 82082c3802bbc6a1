import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Commits } from '../../src/sync/commits.ts';
import { FakeClock } from './fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const commits = new Commits(clock);
  const told: string[] = [];
  const commit = (name: string, ms: number) =>
    commits.during(async () => {
      told.push(`${name} begins`);
      await clock.sleep(ms);
      told.push(`${name} ends`);
    });
  return { clock, commits, told, commit };
}

suite('our own commits', () => {
  test('begin at once, and are told from quiet', async () => {
    const { clock, commits, told, commit } = setUp();
    assert.equal(commits.quiet, Number.POSITIVE_INFINITY);
    void commit('a', 10);
    assert.deepEqual([told, commits.quiet], [['a begins'], 0]);
    await clock.pass(15);
    assert.equal(commits.quiet, 5);
  });

  test('are held back after the one in flight, until that is ended', async () => {
    const { clock, commits, told, commit } = setUp();
    void commit('a', 10);
    let release = () => {};
    void commits.hold(1000).then((end) => {
      told.push('held');
      release = end;
    });
    void commit('b', 10);
    await clock.pass(50);
    assert.deepEqual(told.splice(0), ['a begins', 'a ends', 'held']);
    release();
    await clock.pass(50);
    assert.deepEqual(told, ['b begins', 'b ends']);
  });

  test('are not held back for longer than was said', async () => {
    const { clock, commits, told, commit } = setUp();
    const release = await commits.hold(1000);
    void commit('a', 10);
    await clock.pass(999);
    assert.deepEqual(told, []);
    await clock.pass(1);
    assert.deepEqual(told, ['a begins']);
    release();
  });

  test('are held back for one after the other', async () => {
    const { clock, commits, told, commit } = setUp();
    const release = await commits.hold(1000);
    void commits.hold(1000).then(() => told.push('held again'));
    await clock.pass(10);
    assert.deepEqual(told, []);
    release();
    void commit('a', 10);
    await clock.pass(10);
    assert.deepEqual(told.splice(0), ['a begins', 'a ends', 'held again']);
    void commit('b', 10);
    release();
    await clock.pass(10);
    assert.deepEqual(told, [], 'the end of the first is not that of the second');
    await clock.pass(1000);
    assert.deepEqual(told, ['b begins', 'b ends']);
  });
});
