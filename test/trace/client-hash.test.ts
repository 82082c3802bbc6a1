import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clientHash } from '../../src/trace/client-hash.ts';

// test/traffic/affinity-by-hash.test.ts compares it with where the kernel sends packets of both families.
suite('the hash of a client’s address', () => {
  test('spreads neighbours over the slots, another way with another seed', () => {
    const draws = (seed: number) => Array.from({ length: 200 }, (_, i) => clientHash(`10.0.0.${i}`, 4, seed));
    for (const seed of [1, 9]) {
      for (let slot = 0; slot < 4; slot++) {
        const count = draws(seed).filter((drawn) => drawn === slot).length;
        assert.ok(count > 25 && count < 75, `slot ${slot}: ${count}`);
      }
    }
    assert.notDeepEqual(draws(1), draws(2));
    assert.deepEqual(draws(1), draws(1));
  });

  test('is 0 of one slot, and reads all of an IPv6 address', () => {
    assert.equal(clientHash('2001:db8::1', 1, 9), 0);
    const all = Array.from({ length: 100 }, (_, i) => clientHash(`2001:db8:${i}::1`, 65_536, 1));
    assert.ok(new Set(all).size > 95);
  });
});
