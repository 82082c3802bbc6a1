import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { FairQueue } from '../../src/sync/fair-queue.ts';

function drain<Item>(queue: FairQueue<Item>): readonly Item[] {
  const items: Item[] = [];
  for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item);
  return items;
}

suite('a fair queue', () => {
  test('lets groups take turns, each in its own order', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'a4', 'c1', 'c2', 'a1']) queue.add(item.slice(0, 1), item);
    assert.equal(queue.size, 7);
    assert.deepEqual([...queue].sort(), ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2']);
    assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4']);
    assert.equal(queue.size, 0);
  });

  test('takes what comes while it is emptied', () => {
    const queue = new FairQueue<string>();
    for (let round = 0; round < 3; round++) {
      queue.add('a', 'a1');
      assert.equal(queue.next(), 'a1');
      assert.equal(queue.next(), undefined);
      queue.add('a', 'a2');
      queue.add('a', 'a3');
      assert.equal(queue.next(), 'a2');
      queue.add('a', 'a4');
      queue.add('b', 'b1');
      assert.deepEqual([...drain(queue)].sort(), ['a3', 'a4', 'b1']);
    }
  });

  test('gives each item once, and nobody waits for more than one item of each other group', () => {
    const step = fc.option(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 9 })), { nil: 'next' });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new FairQueue<string>();
        const waiting = new Set<string>();
        for (const each of steps) {
          if (typeof each !== 'string') {
            const item = each.join('');
            queue.add(each[0], item);
            waiting.add(item);
            assert.ok(queue.has(each[0], item));
            continue;
          }
          const item = queue.next();
          assert.equal(item === undefined, waiting.size === 0);
          if (item !== undefined) assert.ok(waiting.delete(item));
        }
        assert.equal(queue.size, waiting.size);
        assert.deepEqual([...drain(queue)].sort(), [...waiting].sort());
      }),
    );
  });
});
