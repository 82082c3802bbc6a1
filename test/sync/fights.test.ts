import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fights } from '../../src/sync/fights.ts';

const MINUTE = 60_000;

/** Undoes a thing each second for so long; returns the seconds at which it may be repaired. */
function repairsOf(fights: Fights, key: string, seconds: number): readonly number[] {
  return Array.from({ length: seconds }, (_, second) => second).filter((second) =>
    fights.mayRepair(key, second * 1000),
  );
}

suite('what somebody undoes again and again', () => {
  test('is repaired at once four times, and then after pauses that double up to five minutes', () => {
    const fights = new Fights();
    assert.deepEqual(repairsOf(fights, 'a', 1300), [0, 1, 2, 3, 8, 18, 38, 78, 158, 318, 618, 918, 1218]);
    assert.equal(fights.pauseOf('a'), 5 * MINUTE);
  });

  test('is told of once, when the first pause begins', () => {
    const fights = new Fights();
    const begun: number[] = [];
    for (let second = 0; second < 100; second++) {
      if (fights.mayRepair('a', second * 1000) && fights.hasBegun('a')) begun.push(second);
    }
    assert.deepEqual(begun, [3]);
    assert.equal(fights.hasBegun('b'), false);
  });

  test('has no part in the pauses of another', () => {
    const fights = new Fights();
    repairsOf(fights, 'a', 100);
    assert.ok(fights.pauseOf('a') > 0);
    assert.equal(fights.pauseOf('b'), 0);
    assert.ok(fights.mayRepair('b', 100_000));
  });

  test('is forgotten once it has rested for half an hour, and not before', () => {
    const fights = new Fights();
    for (let time = 0; time < 5; time++) fights.mayRepair('a', time * 5000);
    const last = 20_000;
    const pause = fights.pauseOf('a');
    assert.ok(fights.mayRepair('a', last + 30 * MINUTE - 1));
    assert.ok(fights.pauseOf('a') > pause);
    assert.ok(fights.mayRepair('a', last + 60 * MINUTE - 1));
    assert.equal(fights.pauseOf('a'), 0);
  });

  test('is forgotten for 2,000 others, the one that was longest not repaired first', () => {
    const fights = new Fights();
    for (const key of ['old', 'repaired']) for (let time = 0; time < 4; time++) fights.mayRepair(key, 0);
    for (let i = 0; i < 1998; i++) fights.mayRepair(`other-${i}`, 0);
    fights.mayRepair('repaired', 5000);
    assert.ok(fights.pauseOf('old') > 0, '2,000 are remembered');
    fights.mayRepair('one more', 5000);
    assert.equal(fights.pauseOf('old'), 0);
    fights.mayRepair('and another', 5000);
    assert.ok(fights.pauseOf('repaired') > 0);
  });
});
