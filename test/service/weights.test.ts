import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Endpoint } from '../../src/service/endpoints.ts';
import { atOnce } from '../../src/service/steps.ts';
import { MAX_WEIGHTED_SLOTS, type SlowStarts, type Weighed, weighSteps } from '../../src/service/weights.ts';

const NO_STARTS: SlowStarts = new Map();

const address = (i: number) => `10.0.${i >> 8}.${i & 255}`;

/** Endpoints with these weights; 1 is written as no weight, as everywhere. */
function pool(weights: readonly number[]): readonly Endpoint[] {
  return weights.map((weight, i) => {
    const one = { address: address(i), port: 80, maybeLocal: false };
    return weight === 1 ? one : { ...one, weight };
  });
}

function weigh(weights: readonly number[], starts = NO_STARTS, room = Number.POSITIVE_INFINITY, slotWeight = 1) {
  return atOnce(weighSteps([{ endpoints: pool(weights), slotWeight }], starts, room));
}

const countsOf = ({ pools: [endpoints = []] }: Weighed) => endpoints.map(({ weight = 1 }) => weight);
const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

const weightLists = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 40 });

suite('weighSteps', () => {
  test('divides weights by what divides them all', () => {
    for (const [given, expected] of [
      [
        [10, 90],
        [1, 9],
      ],
      [
        [4, 6, 8],
        [2, 3, 4],
      ],
      [
        [7, 7, 7],
        [1, 1, 1],
      ],
      [
        [1, 9],
        [1, 9],
      ],
      [[100], [1]],
    ] as const) {
      assert.deepEqual(countsOf(weigh(given)), expected);
    }
  });

  test('keeps their proportions, exactly as long as they fit', () => {
    fc.assert(
      fc.property(weightLists, (weights) => {
        const counts = countsOf(weigh(weights));
        for (const [i, weight] of weights.entries())
          assert.equal(weight * (counts[0] ?? 0), (weights[0] ?? 0) * (counts[i] ?? 0));
        assert.ok(sum(counts) <= sum(weights));
      }),
    );
  });

  test('has no field on endpoints that count for the same', () => {
    assert.deepEqual(weigh([5, 5]).pools, [pool([1, 1])]);
    const starts = new Map([0, 1].map((i) => [address(i), 3]));
    assert.deepEqual(weigh([1, 1], starts).pools, [pool([1, 1])], 'nothing to compare with');
  });

  test('takes as many eighths of a weight as slow start has come to', () => {
    const starts = new Map([[address(2), 3]]);
    const { pools } = weigh([1, 1, 1], starts);
    assert.deepEqual(
      pools[0]?.map(({ weight, slowStart }) => [weight, slowStart]),
      [
        [8, undefined],
        [8, undefined],
        [3, 3],
      ],
    );
    assert.deepEqual(countsOf(weigh([20, 10, 10], starts)), [16, 8, 3]);
  });

  test('changes one endpoint alone with each step of its slow start', () => {
    for (let step = 1; step < 7; step++) {
      const at = (now: number) => countsOf(weigh([1, 1, 1, 1], new Map([[address(3), now]])));
      assert.deepEqual(at(step + 1), at(step).with(3, step + 1));
    }
  });

  test('is bounded, however many endpoints and whatever they weigh, and leaves none out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9000 }), fc.nat(99), (count, seed) => {
        const weights = Array.from({ length: count }, (_, i) => 1 + ((i * 37 + seed) % 100));
        const counts = countsOf(weigh(weights));
        assert.equal(counts.length, count);
        assert.ok(sum(counts) <= count + MAX_WEIGHTED_SLOTS);
        assert.ok(counts.every((one) => one >= 1));
      }),
      { numRuns: 20 },
    );
  });

  test('has no more slots in all than a draw can have', () => {
    for (const count of [61_000, 65_000, 65_536, 70_000]) {
      const counts = countsOf(weigh(Array.from({ length: count }, (_, i) => 1 + (i % 100))));
      assert.ok(sum(counts) <= Math.max(65_536, count), `${count}: ${sum(counts)}`);
    }
  });

  test('keeps to its room by being less exact, in the end by equal shares', () => {
    fc.assert(
      fc.property(
        weightLists,
        fc.integer({ min: -5, max: 3000 }),
        fc.integer({ min: 1, max: 4 }),
        (weights, room, slotWeight) => {
          const all = weigh(weights, NO_STARTS, Number.POSITIVE_INFINITY, slotWeight);
          const some = weigh(weights, NO_STARTS, room, slotWeight);
          assert.ok(some.elements <= Math.max(room, 0));
          assert.equal(some.elements, (sum(countsOf(some)) - weights.length) * slotWeight);
          assert.equal(some.isCut, all.elements > Math.max(room, 0));
          if (!some.isCut) assert.deepEqual(some, all);
        },
      ),
    );
  });

  test('never gives one that weighs more a smaller share', () => {
    fc.assert(
      fc.property(weightLists, fc.nat(2000), (weights, room) => {
        const counts = countsOf(weigh(weights, NO_STARTS, room));
        const order = weights.map((weight, i) => [weight, counts[i] ?? 0] as const).toSorted((a, b) => a[0] - b[0]);
        for (const [i, [, count]] of order.entries()) assert.ok(count >= (order[i - 1]?.[1] ?? 0));
      }),
    );
  });
});
