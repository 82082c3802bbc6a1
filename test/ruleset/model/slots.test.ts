import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { capacityFor, MAX_ENDPOINTS, assignSlots as slotSteps } from '../../../src/ruleset/model/slots.ts';
import { CAPACITIES } from '../../../src/ruleset/program/pick-chain.ts';
import { atOnce } from '../../../src/service/steps.ts';

const assignSlots = (...args: Parameters<typeof slotSteps>) => atOnce(slotSteps(...args));

/** Different endpoints in any order. */
const endpoints = fc.uniqueArray(fc.integer({ min: 1, max: 30 }).map(String), { maxLength: 20 });

function changedSlots(before: readonly string[], after: readonly string[]): number {
  return after.filter((endpoint, slot) => before[slot] !== endpoint).length;
}

suite('assignSlots', () => {
  test('gives every wanted endpoint one slot, without a gap', () => {
    fc.assert(
      fc.property(endpoints, endpoints, (current, wanted) => {
        assert.deepEqual(assignSlots(current, wanted).toSorted(), wanted.toSorted());
      }),
    );
  });

  test('leaves every wanted endpoint where it is, if that slot still exists', () => {
    fc.assert(
      fc.property(endpoints, endpoints, (current, wanted) => {
        const slots = assignSlots(current, wanted);
        for (const [slot, endpoint] of current.slice(0, wanted.length).entries()) {
          if (wanted.includes(endpoint)) assert.equal(slots[slot], endpoint);
        }
      }),
    );
  });

  test('changes nothing where the same endpoints are wanted, in whatever order', () => {
    fc.assert(
      fc.property(endpoints, fc.nat(), (current, rotation) => {
        const at = rotation % (current.length + 1);
        assert.deepEqual(assignSlots(current, [...current.slice(at), ...current.slice(0, at)]), current);
      }),
    );
  });

  test('puts one added endpoint into the new slot, and changes no other', () => {
    fc.assert(
      fc.property(endpoints, fc.nat(), (current, position) => {
        const wanted = current.toSpliced(position % (current.length + 1), 0, 'added');
        assert.deepEqual(assignSlots(current, wanted), [...current, 'added']);
      }),
    );
  });

  test('moves the last endpoint, and no other, into the hole of a removed one', () => {
    fc.assert(
      fc.property(endpoints, fc.nat(), (current, position) => {
        fc.pre(current.length > 0);
        const hole = position % current.length;
        const slots = assignSlots(current, current.toSpliced(hole, 1));
        const last = current.length - 1;
        assert.equal(changedSlots(current, slots), hole === last ? 0 : 1);
        if (hole !== last) assert.equal(slots[hole], current[last]);
      }),
    );
  });

  test('changes one slot where one endpoint is replaced', () => {
    fc.assert(
      fc.property(endpoints, fc.nat(), (current, position) => {
        fc.pre(current.length > 0);
        const slot = position % current.length;
        assert.deepEqual(assignSlots(current, current.with(slot, 'other')), current.with(slot, 'other'));
      }),
    );
  });
});

suite('capacityFor', () => {
  test('is the smallest power of two that holds the endpoints', () => {
    const cases: readonly (readonly [endpoints: number, capacity: number])[] = [
      [1, 1],
      [2, 2],
      [3, 4],
      [4, 4],
      [5, 8],
      [8, 8],
      [9, 16],
      [4097, 8192],
      [MAX_ENDPOINTS, MAX_ENDPOINTS],
    ];
    for (const [endpoints, capacity] of cases) assert.equal(capacityFor(endpoints), capacity, `${endpoints} endpoints`);
  });

  test('stays when just its lower half is full, which is all that its last draw needs', () => {
    assert.equal(capacityFor(4, 8), 8);
    assert.equal(capacityFor(1, 2), 2);
    assert.equal(capacityFor(3, 8), 4);
    assert.equal(capacityFor(4, 16), 4);
    assert.equal(capacityFor(4, 4), 4);
    assert.equal(capacityFor(5, 4), 8);
    assert.equal(capacityFor(4, 0), 4);
  });

  test('has more than half of its slots full, so that draws seldom miss, and the lower half always', () => {
    for (let endpoints = 1; endpoints <= 5000; endpoints++) {
      const capacity = capacityFor(endpoints);
      assert.ok(CAPACITIES.includes(capacity));
      assert.ok(endpoints <= capacity && endpoints > capacity / 2);
    }
  });
});
