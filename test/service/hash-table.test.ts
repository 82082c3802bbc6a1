import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  fillTable,
  type HashTable,
  MAX_SLOTS,
  tableSize,
  type WeightedEndpoint,
} from '../../src/service/hash-table.ts';
import { atOnce } from '../../src/service/steps.ts';
import { countSteps } from '../builders/count-steps.ts';

const fill = (...args: Parameters<typeof fillTable>) => atOnce(fillTable(...args));

/** Endpoints of a network of their own each. */
const endpoints = (count: number, network = 0): WeightedEndpoint[] =>
  Array.from({ length: count }, (_, i) => ({ address: `10.${network}.${i >> 8}.${i & 255}`, port: 8080 }));

/** The address in each slot. */
const owners = (list: readonly WeightedEndpoint[], table: HashTable) =>
  Array.from(table, (place) => list[place]?.address ?? assert.fail(`no endpoint ${place}`));

/** How many of the clients have another endpoint, 0 to 1. nft scales a hash by its high bits. */
function moved(before: readonly string[], after: readonly string[]): number {
  const most = Math.max(before.length, after.length);
  const at = (slots: readonly string[], i: number) => slots[Math.floor((i * slots.length) / most)];
  return Array.from({ length: most }, (_, i) => at(before, i) !== at(after, i)).filter(Boolean).length / most;
}

/** How many slots each endpoint has. */
function counts(list: readonly WeightedEndpoint[], table: HashTable): readonly number[] {
  const of = new Array<number>(list.length).fill(0);
  for (const place of table) of[place] = (of[place] ?? 0) + 1;
  return of;
}

suite('a table of slots for consistent hashing', () => {
  test('is a power of two, with 16 slots for each endpoint as long as there is room', () => {
    for (const count of [1, 2, 16, 17, 100, 1000, 4096, 4097, 65_536]) {
      const size = tableSize(count);
      assert.ok(Number.isInteger(Math.log2(size)) && size >= 256 && size <= MAX_SLOTS);
      assert.ok(size === MAX_SLOTS || size >= 16 * count, `${count}: ${size}`);
      assert.ok(size === 256 || size === MAX_SLOTS || size < 32 * count, `${count}: ${size}`);
    }
    assert.deepEqual(
      [0, 1, 16, 17].map((count) => tableSize(count)),
      [0, 256, 256, 512],
    );
    assert.deepEqual(
      [1, 20, 300].map((count) => tableSize(count, 1)),
      [16, 32, 512],
    );
  });

  test('is full, and fair to one slot', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.constantFrom(16, 8, 2, 1), (count, each) => {
        const list = endpoints(count);
        const table = fill(list, each);
        assert.equal(table.length, tableSize(count, each));
        for (const slots of counts(list, table)) {
          assert.ok(Math.abs(slots - table.length / count) < 1, `${count} endpoints, ${table.length} slots: ${slots}`);
        }
      }),
    );
  });

  test('is the same whatever the order of the endpoints, and what was before', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(endpoints(60), { minLength: 1 }), (list) => {
        const sorted = list.toSorted((a, b) => (a.address < b.address ? -1 : 1));
        assert.deepEqual(owners(list, fill(list)), owners(sorted, fill(sorted)));
      }),
    );
  });

  test('is the same for all ports of a Service, by the address of each endpoint', () => {
    const list = endpoints(30);
    assert.deepEqual(fill(list.map((endpoint) => ({ ...endpoint, port: 53 }))), fill(list));
    // Of one address with two ports each has half.
    const twice = [...list.slice(0, 1), { address: '10.0.0.0', port: 9090 }];
    assert.deepEqual(counts(twice, fill(twice)), [128, 128]);
  });

  test('moves few clients when an endpoint comes, at whatever size, also where the table grows', () => {
    const shares = Array.from({ length: 140 }, (_, i) => {
      const list = endpoints(i + 2, i);
      const without = list.toSpliced((i * 7) % list.length, 1);
      return moved(owners(without, fill(without)), owners(list, fill(list))) * list.length;
    });
    const mean = (from: number, to: number) =>
      shares.slice(from - 2, to - 1).reduce((sum, share) => sum + share, 0) / (to - from + 1);
    // At least 1/n must move.
    assert.ok(Math.max(...shares.slice(0, 15)) <= 2, `up to 16: ${Math.max(...shares.slice(0, 15))}/n`);
    assert.ok(mean(17, 64) <= 3.6 && mean(65, 141) <= 5, `${mean(17, 64)}/n, ${mean(65, 141)}/n`);
    assert.ok(Math.max(...shares) <= 6.5, `no step: ${Math.max(...shares)}/n`);
  });

  test('gives each endpoint as many slots as it has weight', () => {
    const list = endpoints(4).map((endpoint, i) => ({ ...endpoint, weight: [1, 2, 4, 9][i] ?? 1 }));
    assert.deepEqual(counts(list, fill(list)), [16, 32, 64, 144]);
    // The lightest has a slot, too.
    const uneven = endpoints(8).map((endpoint, i) => ({ ...endpoint, weight: i === 0 ? 1 : 100 }));
    assert.equal(counts(uneven, fill(uneven))[0], 1);
  });

  test('is filled in steps of a few milliseconds', () => {
    assert.ok(countSteps(fillTable(endpoints(4096))).count > 10);
  });
});
