import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { tableLimit } from '../../src/service/table-budget.ts';

const demand = (endpoints: number) => ({ endpoints, tables: 3, each: 2, fixed: 10 });

suite('how large hash tables may be', () => {
  test('is 16 slots for each endpoint, then fewer, and then fewer endpoints', () => {
    assert.deepEqual(tableLimit([demand(10)], 1000), { slotsEach: 16, elements: 10 + 3 * 256 + 20 });
    assert.deepEqual(tableLimit([demand(10)], 700), { slotsEach: 8, elements: 10 + 3 * 128 + 20 });
    assert.deepEqual(tableLimit([demand(100)], 594), { slotsEach: 1, elements: 10 + 3 * 128 + 200 });
    assert.deepEqual(tableLimit([demand(100)], 400), { slotsEach: 1, limit: 64, elements: 10 + 3 * 64 + 128 });
  });

  test('keeps to the budget where one endpoint does, and to the most slots there are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 9 }),
        fc.nat(500_000),
        (all, budget) => {
          const { elements, limit = 0 } = tableLimit(all.map(demand), budget);
          assert.ok(elements <= budget || limit === 1);
        },
      ),
    );
    assert.equal(tableLimit([demand(70_000)], 1e9).limit, 65_536);
  });
});
