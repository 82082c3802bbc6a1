import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Element } from '../../../src/ruleset/elements/element.ts';
import { Changes } from '../../../src/ruleset/model/changes.ts';
import { unreferenced } from '../../../src/ruleset/model/entry.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';

const SERVICES = buildProgram('ip', {}).setsAndMaps.find(({ name }) => name === 'services') ?? assert.fail();

const element = (key: string, value = 'goto refuse'): Element => ({ setOrMap: SERVICES, key, value, comment: '' });

suite('what the kernel is found to hold of changes', () => {
  test('is told where something else was known', () => {
    const changes = new Changes();
    const [same, other, gone] = ['a', 'b', 'c'].map((key) => unreferenced(element(key))) as [Held, Held, Held];
    for (const one of [same, other, gone]) changes.changes(one);
    const found = new Map([
      ['a', element('a')],
      ['b', element('b', 'drop')],
    ]);
    assert.deepEqual(changes.learn(SERVICES, found), [
      { setOrMap: SERVICES, key: 'b', expected: { value: 'goto refuse', comment: '' }, found: element('b', 'drop') },
      { setOrMap: SERVICES, key: 'c', expected: { value: 'goto refuse', comment: '' }, found: undefined },
    ]);
    // What differs from it goes with the next transaction: one is replaced, one is added.
    const { deletes, adds } = changes.take();
    assert.deepEqual([deletes.map(({ key }) => key), adds.map(({ key }) => key)], [['b'], ['b', 'c']]);
  });
});

suite('changes that nft did not take', () => {
  test('come again, with what the kernel had, and only those that were chosen', () => {
    const changes = new Changes();
    const [first, second] = ['a', 'b'].map((key) => unreferenced(element(key))) as [Held, Held];
    changes.appears(first);
    changes.appears(second);
    const { adds, undo } = changes.take(({ key }) => key === 'a');
    assert.deepEqual(adds, [first]);
    assert.deepEqual(changes.take().adds, [second]);
    assert.ok(changes.isEmpty);
    undo();
    assert.deepEqual(changes.take().adds, [first]);
  });
});

type Held = ReturnType<typeof unreferenced>;
