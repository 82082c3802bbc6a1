import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { sortedSteps } from '../../src/service/sorted-steps.ts';
import { atOnce } from '../../src/service/steps.ts';

const byKey = (a: { readonly key: number }, b: { readonly key: number }) => a.key - b.key;

suite('sorting in steps', () => {
  test('sorts as Array.prototype.sort does, equal ones in their order', () => {
    const lengths = fc.constantFrom(0, 1, 2, 100, 4096, 4097, 8192, 13_000);
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 20_000 }), (length, kinds) => {
        // Any order will do: multiples of a prime, by the number of kinds.
        const items = Array.from({ length }, (_, place) => ({ key: (place * 7919) % kinds, place }));
        const before = [...items];
        assert.deepEqual(atOnce(sortedSteps(items, byKey)), items.toSorted(byKey));
        assert.deepEqual(items, before);
      }),
      { numRuns: 30 },
    );
  });

  test('takes a step for some thousands', () => {
    const steps = sortedSteps(
      Array.from({ length: 100_000 }, (_, i) => ({ key: -i })),
      byKey,
    );
    let count = 0;
    while (!steps.next().done) count++;
    assert.ok(count > 100, `${count}`);
  });
});
