import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice } from '../../src/objects/endpoint-slice.ts';
import { SliceIndex } from '../../src/service/slice-index.ts';
import { slice } from '../builders/objects.ts';

const names = (slices: readonly EndpointSlice[]) => slices.map(({ name }) => name).toSorted();

suite('the slices of Services', () => {
  test('are those that came and did not go, few or many', () => {
    const slices = Array.from({ length: 60 }, (_, i) => slice([], { name: `web-${i}` }));
    fc.assert(
      fc.property(fc.array(fc.nat(59), { maxLength: 400 }), (picks) => {
        const index = new SliceIndex();
        const there = new Set<EndpointSlice>();
        for (const pick of picks) {
          const picked = slices[pick];
          assert.ok(picked);
          if (there.delete(picked)) index.remove('default/web', picked);
          else {
            there.add(picked);
            index.add('default/web', picked);
          }
          assert.deepEqual(names(index.of('default/web')), names([...there]));
          assert.equal(index.has('default/web'), there.size > 0);
        }
        assert.deepEqual(index.of('default/other'), []);
      }),
      { numRuns: 50 },
    );
  });

  test('stay as they were in an array that was given before', () => {
    const index = new SliceIndex();
    for (let i = 0; i < 40; i++) {
      const before = index.of('default/web');
      const [count] = [before.length];
      index.add('default/web', slice([], { name: `web-${i}` }));
      assert.equal(before.length, count);
      assert.equal(index.of('default/web').length, count + 1);
    }
    const all = index.of('default/web');
    for (const each of all) index.remove('default/web', each);
    assert.equal(all.length, 40);
    assert.equal(index.has('default/web'), false);
  });
});
