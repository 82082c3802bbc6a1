import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { frontendsOf } from '../../src/service/frontend.ts';
import { atOnce } from '../../src/service/steps.ts';
import { zoneShareSteps } from '../../src/service/zone-spill-over.ts';
import { countSteps } from '../builders/count-steps.ts';
import { node, ready as readyEndpoint, service, slice } from '../builders/objects.ts';

const HERE = { name: 'n', zone: 'a' };
const THIRTY = { percent: 30, chooser: 'n' };

interface Given {
  readonly entry: { readonly address: string; readonly zone?: string };
}

const endpoint = (i: number, zone: string): Given => ({ entry: { address: `10.0.${i >> 8}.${i & 255}`, zone } });

/** So many endpoints in zone a, and in zone b. */
function inZones(a: number, b: number): readonly Given[] {
  return Array.from({ length: a + b }, (_, i) => endpoint(i, i < a ? 'a' : 'b'));
}

function chosen(ready: readonly Given[], percent: number, chooser = 'node-1') {
  const { endpoints, share } = atOnce(zoneShareSteps(ready, HERE, { percent, chooser }));
  assert.ok(endpoints);
  return { endpoints, share };
}

suite('zone-spill-over', () => {
  for (const [a, b, percent, near, far] of [
    [3, 7, 30, 3, 0],
    [2, 8, 30, 2, 1],
    [1, 9, 30, 1, 2],
    [1, 2, 30, 1, 0],
    [1, 3, 30, 1, 1],
    [0, 10, 30, 0, 10],
    [5, 5, 100, 5, 5],
    [1, 99, 1, 1, 0],
    [10, 0, 50, 10, 0],
  ] as const) {
    test(`${percent}%, ${a} in this zone and ${b} elsewhere: ${near} and ${far}`, () => {
      const { endpoints, share } = chosen(inZones(a, b), percent);
      assert.deepEqual(share, { percent, near, far, others: b });
      assert.equal(endpoints.filter(({ entry }) => entry.zone === 'a').length, near);
      assert.equal(endpoints.length, near + far);
    });
  }

  test('says nothing where the zone of the node, or of all endpoints, is unknown: why', () => {
    assert.deepEqual(atOnce(zoneShareSteps(inZones(1, 2), { name: 'n', zone: '' }, THIRTY)), {
      share: { percent: 30, unknown: 'node' },
    });
    assert.deepEqual(atOnce(zoneShareSteps([{ entry: { address: '10.0.0.1' } }], HERE, THIRTY)), {
      share: { percent: 30, unknown: 'endpoints' },
    });
  });

  test('the nodes of a zone together use all others, about alike', () => {
    const ready = inZones(10, 90);
    const uses = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      for (const { entry } of chosen(ready, 30, `node-${i}`).endpoints) {
        if (entry.zone === 'b') uses.set(entry.address, (uses.get(entry.address) ?? 0) + 1);
      }
    }
    const counts = [...uses.values()];
    // 20 of 90, 300 times: 67 in the mean, with a standard deviation of 7.
    assert.equal(counts.length, 90);
    assert.ok(
      Math.min(...counts) > 30 && Math.max(...counts) < 105,
      `${Math.min(...counts)} to ${Math.max(...counts)}`,
    );
  });

  test('the same endpoints have the same choice, in whatever order; one more changes three at most', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 100 }),
    );
    const addresses = (list: readonly Given[]) => new Set(list.map(({ entry }) => entry.address));
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.nat(), ([a, b, percent], isNear, seed) => {
        const ready = inZones(a, b);
        const before = addresses(chosen(ready, percent).endpoints);
        const shuffled = ready.toSorted((one, other) => (hash(one, seed) < hash(other, seed) ? -1 : 1));
        assert.deepEqual(addresses(chosen(shuffled, percent).endpoints), before);
        const more = addresses(chosen([...ready, endpoint(5000, isNear ? 'a' : 'b')], percent).endpoints);
        assert.ok([...before, ...more].filter((one) => before.has(one) !== more.has(one)).length <= 3);
      }),
    );
  });

  test('with a table of hashes all nodes of a zone have the same others; without each has its own', () => {
    const slices = [slice(inZones(2, 40).map(({ entry: { address, ...rest } }) => readyEndpoint(address, rest)))];
    const of = (options: Parameters<typeof service>[0] & object, nodeName: string) => {
      const here = { nodeName, node: node({ name: nodeName, zone: 'a' }) };
      const [frontend] = frontendsOf(service(options), slices, 'ip', here);
      return frontend?.endpoints.map(({ address }) => address).join();
    };
    const plain = { options: { zoneSpillOver: 30 } };
    const hashed = { options: { zoneSpillOver: 30, lbAlgorithm: 'client-hash' } } as const;
    assert.notEqual(of(plain, 'node-1'), of(plain, 'node-2'));
    assert.equal(of(hashed, 'node-1'), of(hashed, 'node-2'));
    assert.equal(of(hashed, 'node-1')?.split(',').length, 13);
  });

  test('of many endpoints is made in steps', () => {
    const ready = inZones(10, 40_000);
    assert.ok(countSteps(zoneShareSteps(ready, HERE, THIRTY)).count > 20);
  });
});

function hash({ entry }: Given, seed: number): number {
  let value = seed;
  for (const letter of entry.address) value = (value * 31 + letter.charCodeAt(0)) % 1_000_003;
  return value;
}
