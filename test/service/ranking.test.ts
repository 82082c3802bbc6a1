import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { Ranking } from '../../src/service/ranking.ts';

interface Item {
  readonly key: string;
  readonly rank: number;
}

const ORDER = {
  keyOf: ({ key }: Item) => key,
  comesBefore: (a: Item, b: Item) => (a.rank === b.rank ? a.key < b.key : a.rank < b.rank),
};

const item = fc.record({ key: fc.constantFrom(...'abcdefghijklmnop'), rank: fc.nat(5) });
const change = fc.oneof(
  { weight: 3, arbitrary: item.map((add) => ({ add })) },
  { weight: 2, arbitrary: item.map(({ key }) => ({ remove: key })) },
);

suite('a ranking', () => {
  test('is empty at first', () => {
    const ranking = new Ranking<Item>(ORDER);
    ranking.delete('a');
    assert.deepEqual([ranking.size, ranking.first], [0, undefined]);
  });

  test('has the first in its order, whoever joined and left', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200, size: 'max' }), (changes) => {
        const ranking = new Ranking<Item>(ORDER);
        const members = new Map<string, Item>();
        for (const one of changes) {
          if ('add' in one) {
            ranking.add(one.add);
            members.set(one.add.key, one.add);
          } else {
            ranking.delete(one.remove);
            members.delete(one.remove);
          }
          const [first] = [...members.values()].sort((a, b) => (ORDER.comesBefore(a, b) ? -1 : 1));
          assert.deepEqual([ranking.size, ranking.first], [members.size, first]);
        }
      }),
    );
  });

  test('compares no more often than in proportion to the logarithm of its size', () => {
    let compared = 0;
    const counting = {
      keyOf: ORDER.keyOf,
      comesBefore(a: Item, b: Item) {
        compared++;
        return ORDER.comesBefore(a, b);
      },
    };
    const ranking = new Ranking<Item>(counting);
    const size = 4096;
    // Each comes before all others: it goes from the end to the top.
    for (let i = 0; i < size; i++) ranking.add({ key: `${i}`, rank: -i });
    for (let i = 0; i < size; i++) ranking.delete(ranking.first?.key ?? '');
    assert.equal(ranking.size, 0);
    assert.ok(compared <= 4 * size * Math.log2(size), `${compared}`);
  });
});
