import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assignRepeated as slotSteps } from '../../../src/ruleset/model/repeated-slots.ts';
import { atOnce } from '../../../src/service/steps.ts';

const assignRepeated = (...args: Parameters<typeof slotSteps>) => atOnce(slotSteps(...args));

/** Endpoints, and how many slots each is to have. */
const counts = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 12 }).map(String), fc.integer({ min: 1, max: 9 })), {
    selector: ([endpoint]) => endpoint,
    maxLength: 8,
  })
  .map((entries) => new Map(entries));

const slots = fc.array(fc.integer({ min: 1, max: 12 }).map(String), { maxLength: 40 });

function countsOf(endpoints: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const endpoint of endpoints) found.set(endpoint, (found.get(endpoint) ?? 0) + 1);
  return found;
}

const sorted = (map: ReadonlyMap<string, number>) => [...map].toSorted(([a], [b]) => a.localeCompare(b));

suite('assignRepeated', () => {
  test('gives every endpoint as many slots as it is to have, without a gap', () => {
    fc.assert(
      fc.property(slots, counts, (current, wanted) => {
        assert.deepEqual(sorted(countsOf(assignRepeated(current, wanted))), sorted(wanted));
      }),
    );
  });

  test('changes as few slots as can be', () => {
    fc.assert(
      fc.property(slots, counts, (current, wanted) => {
        const assigned = assignRepeated(current, wanted);
        const kept = assigned.filter((endpoint, slot) => current[slot] === endpoint).length;
        // Of those slots that stay, each endpoint keeps as many as it has there and is to have.
        const there = countsOf(current.slice(0, assigned.length));
        const most = [...wanted].reduce((sum, [endpoint, count]) => sum + Math.min(count, there.get(endpoint) ?? 0), 0);
        assert.equal(kept, most);
      }),
    );
  });

  test('adds one slot where one endpoint comes to weigh one more', () => {
    fc.assert(
      fc.property(counts, fc.nat(), (wanted, place) => {
        fc.pre(wanted.size > 0);
        const current = assignRepeated([], wanted);
        const [grown = ''] = [...wanted.keys()].slice(place % wanted.size);
        const more = new Map([...wanted, [grown, (wanted.get(grown) ?? 0) + 1]]);
        assert.deepEqual(assignRepeated(current, more), [...current, grown]);
      }),
    );
  });
});
