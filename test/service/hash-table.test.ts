import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { fillTable, type HashTable, MAX_SLOTS, tableSize } from '../../src/service/hash-table.ts';
import { atOnce } from '../../src/service/steps.ts';
import type { WeightedEndpoint } from '../../src/service/table-shares.ts';
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

/** Networks whose endpoints differ in how their addresses are spread. */
const NETWORKS: readonly ((i: number) => string)[] = [
  (i) => `10.7.${i >> 8}.${i & 255}`,
  (i) => `10.3.${i >> 8}.${i & 255}`,
  (i) => {
    const scattered = Math.imul(i, 0x9e3779b1) >>> 8;
    return `10.${scattered >>> 16}.${(scattered >>> 8) & 255}.${scattered & 255}`;
  },
  (i) => `fd00:7::${(i * 37 + 5).toString(16)}`,
];

const endpointsIn = (addressOf: (i: number) => string, count: number): readonly WeightedEndpoint[] =>
  Array.from({ length: count }, (_, i) => ({ address: addressOf(i), port: 8080 }));

/**
 * How many of the clients move when one endpoint of a cluster goes, or one comes, in 1/n: the mean and the most. `goes`: how
 * many are taken away in turn; half as many are added in turn.
 */
function movedByOne(addressOf: (i: number) => string, count: number, goes = 8): readonly [mean: number, most: number] {
  const list = endpointsIn(addressOf, count);
  const before = owners(list, fill(list));
  const changed = [
    ...Array.from({ length: goes }, (_, i) => list.toSpliced(Math.floor((i * count) / goes), 1)),
    ...Array.from({ length: goes / 2 }, (_, i) => [...list, { address: addressOf(count + i), port: 8080 }]),
  ];
  const shares = changed
    .filter(({ length }) => tableSize(length) === before.length)
    .map((after) => moved(before, owners(after, fill(after))) * count);
  return [shares.reduce((sum, share) => sum + share, 0) / shares.length, Math.max(...shares)];
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

  test('is full, and gives no endpoint more than 7 % above the mean, and none less than half of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 17, max: 1500 }), fc.nat(255), (count, network) => {
        const list = endpoints(count, network);
        const table = fill(list);
        const mean = table.length / count;
        for (const slots of counts(list, table)) {
          assert.ok(slots <= 1.07 * mean, `${count} endpoints, ${table.length} slots: ${slots}`);
          assert.ok(slots >= Math.floor(mean / 2), `${count} endpoints, ${table.length} slots: ${slots}`);
        }
      }),
    );
  });

  test('is fair to one slot with up to 16 endpoints', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.constantFrom(16, 8, 2, 1), (count, each) => {
        const list = endpoints(count);
        const table = fill(list, each);
        for (const slots of counts(list, table)) assert.ok(Math.abs(slots - table.length / count) < 1, `${slots}`);
      }),
    );
  });

  test('is full, whatever the weights and the budget, and each endpoint has a slot, but not many more than its share', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(weights, fc.constantFrom(16, 8, 4, 2, 1), (given, each) => {
        const list = endpoints(given.length).map((endpoint, i) => ({ ...endpoint, weight: given[i] ?? 1 }));
        const table = fill(list, each);
        assert.equal(table.length, tableSize(given.length, each));
        const sum = given.reduce((all, weight) => all + weight, 0);
        const room = Math.max(1.07, 1 + given.length / table.length / 2);
        for (const [i, slots] of counts(list, table).entries()) {
          const share = (table.length * (given[i] ?? 0)) / sum;
          assert.ok(slots >= 1, `${i} has none`);
          assert.ok(slots <= Math.floor(Math.max(1, share) * room) + 1, `${i} has ${slots} for ${share}`);
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

  test('moves at most 2/n of the clients when one of up to 16 endpoints comes or goes', () => {
    for (let count = 2; count <= 16; count++) {
      for (const [network, addressOf] of NETWORKS.entries()) {
        const [mean, most] = movedByOne(addressOf, count);
        assert.ok(mean <= 2 && most <= 2.5, `${count} endpoints in ${network}: ${mean}/n, at most ${most}/n`);
      }
    }
  });

  test('moves at most 5/n of the clients in the mean when one of more endpoints comes or goes', () => {
    // By slots for each endpoint, so that each size of a table is examined from where it begins to where it doubles.
    for (const size of [512, 1024, 2048, 4096, 8192]) {
      for (const each of [29, 26, 23, 21, 20.2, 19.5, 18.9, 18.3, 17.6, 17.4, 17, 16.6, 16.1]) {
        const count = Math.floor(size / each);
        assert.equal(tableSize(count), size);
        for (const [network, addressOf] of NETWORKS.entries()) {
          const [mean, most] = movedByOne(addressOf, count, size <= 2048 ? 12 : 6);
          assert.ok(mean <= 5 && most <= 6, `${count} endpoints in ${network}: ${mean}/n, at most ${most}/n`);
        }
      }
    }
  });

  test('moves at most 5/n of the clients in the mean with thousands of endpoints, too', () => {
    for (const count of [720, 780, 860, 1000, 1560, 3120, 3400]) {
      const [mean, most] = movedByOne(NETWORKS[count % 4] ?? assert.fail(), count, 4);
      assert.ok(mean <= 5 && most <= 6, `${count} endpoints: ${mean}/n, at most ${most}/n`);
    }
  });

  test('moves at most 5/n of the clients in the mean, whichever endpoint of a cluster goes', () => {
    for (const count of [112, 217, 241]) {
      const [mean, most] = movedByOne((i) => `10.7.0.${i}`, count, count & ~1);
      assert.ok(mean <= 5 && most <= 6, `${count} endpoints: ${mean}/n, at most ${most}/n`);
    }
  });

  test('moves few clients where the number of slots doubles', () => {
    for (const [count, share] of [
      [16, 0.2],
      [32, 0.16],
      [64, 0.13],
      [128, 0.13],
      [256, 0.14],
      [512, 0.16],
      [1024, 0.16],
    ] as const) {
      const list = endpoints(count + 1, count & 255);
      const without = list.slice(1);
      assert.equal(tableSize(list.length), 2 * tableSize(without.length));
      const step = moved(owners(without, fill(without)), owners(list, fill(list)));
      assert.ok(step <= share, `from ${count} endpoints: ${step}`);
    }
  });

  test('moves few clients when the weight of an endpoint changes', () => {
    const list = endpoints(100).map((endpoint, i) => ({ ...endpoint, weight: 1 + (i % 8) }));
    const changed = list.map((endpoint, i) => (i === 42 ? { ...endpoint, weight: endpoint.weight + 1 } : endpoint));
    const share = moved(owners(list, fill(list)), owners(changed, fill(changed)));
    // The difference is one of 446.
    assert.ok(share > 0 && share * 446 <= 8, `${share * 446}/446`);
  });

  test('gives each endpoint as many slots as it has weight', () => {
    const list = endpoints(4).map((endpoint, i) => ({ ...endpoint, weight: [1, 2, 4, 9][i] ?? 1 }));
    assert.deepEqual(counts(list, fill(list)), [16, 32, 64, 144]);
    const many = endpoints(100).map((endpoint, i) => ({ ...endpoint, weight: 1 + (i % 2) }));
    for (const [i, slots] of counts(many, fill(many)).entries()) {
      const share = (2048 / 150) * (1 + (i % 2));
      assert.ok(slots <= Math.ceil(1.07 * share) && slots >= share / 2 - 1, `${slots} slots for ${share}`);
    }
    // The lightest has a slot, too.
    const uneven = endpoints(8).map((endpoint, i) => ({ ...endpoint, weight: i === 0 ? 1 : 100 }));
    assert.equal(counts(uneven, fill(uneven))[0], 1);
  });

  test('is filled in steps of a few milliseconds', () => {
    assert.ok(countSteps(fillTable(endpoints(4096))).count > 10);
  });
});
