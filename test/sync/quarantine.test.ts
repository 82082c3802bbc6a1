import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Quarantine } from '../../src/sync/quarantine.ts';
import { frontend } from '../builders/frontends.ts';

const KEYS = Array.from({ length: 20 }, (_, n) => `10.96.0.${n} tcp 80`);

suite('quarantine', () => {
  test('halves groups that fail until the culprits are known, and tries none twice', () => {
    fc.assert(
      fc.property(fc.subarray(KEYS, { minLength: 1 }), fc.func(fc.boolean()), (keys, culprit) => {
        const isCulprit = (key: string) => culprit(key);
        const quarantine = new Quarantine();
        assert.deepEqual(quarantine.suspect(keys), keys);
        const failed = new Set<string>();
        for (let tries = 0; quarantine.next !== undefined; tries++) {
          assert.ok(tries < 3 * keys.length, 'it comes to an end');
          if (!quarantine.next.some(isCulprit)) {
            quarantine.passed();
            continue;
          }
          const group = quarantine.next.join();
          assert.ok(!failed.has(group), 'what failed is not tried again');
          failed.add(group);
          quarantine.failed(0, () => frontend([1]));
        }
        assert.deepEqual([...quarantine.held].sort(), keys.filter(isCulprit).sort());
        assert.equal(quarantine.suspects.size, 0);
      }),
    );
  });

  test('forgets a frontend that nobody claims any more, unless it is under suspicion again', () => {
    const [key = ''] = KEYS;
    const quarantine = new Quarantine();
    const wanted = frontend([1]);
    quarantine.suspect([key]);
    quarantine.failed(0, () => wanted);
    assert.ok(quarantine.keepsOut(key, wanted));
    quarantine.gone(key);
    assert.ok(!quarantine.keepsOut(key, wanted));
    assert.deepEqual([...quarantine.held], []);
    quarantine.suspect([key]);
    quarantine.failed(0, () => wanted);
    quarantine.suspect([key]);
    quarantine.gone(key);
    assert.deepEqual([...quarantine.held], [key]);
  });

  test('keeps out what has not changed, and has it tried again with growing pauses', () => {
    const quarantine = new Quarantine();
    const [key = ''] = KEYS;
    let now = 0;
    const pauses: number[] = [];
    for (let round = 0; round < 10; round++) {
      quarantine.suspect([key]);
      assert.equal(
        quarantine.failed(now, () => frontend([1])),
        key,
      );
      assert.ok(quarantine.keepsOut(key, frontend([1])));
      assert.ok(!quarantine.keepsOut(key, frontend([2])), 'a change is worth a try');
      const held = now;
      while (quarantine.due(now).length === 0) now += 15_000;
      assert.ok(!quarantine.keepsOut(key, frontend([1])), 'its time has come');
      pauses.push((now - held) / 1000);
    }
    assert.deepEqual(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    quarantine.suspect([key]);
    quarantine.passed();
    assert.ok(!quarantine.isHeld(key));
  });
});
