import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { NodeReadiness } from '../../src/service/node-readiness.ts';

const OWN = 'node-0';

/** Of nodes node-0 to node-(n-1), of which these are not Ready. */
function settled(nodes: number, unready: readonly number[]): NodeReadiness {
  const readiness = new NodeReadiness(OWN);
  for (let i = 0; i < nodes; i++) {
    readiness.set({ name: `node-${i}`, ...(unready.includes(i) && { unready: true }) });
  }
  readiness.settle();
  return readiness;
}

suite('nodes to avoid', () => {
  test('are those that are not Ready, but for this one', () => {
    assert.deepEqual([...settled(6, [0, 3, 4]).avoided], ['node-3', 'node-4']);
  });

  test('are none while more than half of them are not Ready, and more than two', () => {
    for (const [nodes, unready, isPaused] of [
      [2, [1], false],
      [3, [1, 2], false],
      [5, [2, 3, 4], true],
      [6, [3, 4, 5], false],
      [10, [1, 2, 3, 4, 5, 6], true],
      [10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], true],
    ] as const) {
      const { avoided, report } = settled(nodes, unready);
      assert.equal(report.isPaused, isPaused, `${unready.length} of ${nodes}`);
      assert.equal(avoided.size, isPaused ? 0 : unready.length);
    }
  });

  test('change once they are settled, which tells of each that counts otherwise', () => {
    const readiness = settled(10, [2]);
    readiness.set({ name: 'node-2' });
    readiness.set({ name: 'node-3', unready: true });
    readiness.set({ name: 'node-4', unready: true });
    readiness.set({ name: 'node-4' });
    assert.deepEqual([...readiness.avoided], ['node-2']);
    assert.deepEqual([...readiness.settle()], ['node-2', 'node-3']);
    assert.deepEqual([...readiness.avoided], ['node-3']);
  });

  test('a heartbeat is nothing to settle', () => {
    const readiness = settled(10, [2]);
    for (let i = 0; i < 10; i++) readiness.set({ name: `node-${i}`, ...(i === 2 && { unready: true }) });
    assert.equal(readiness.isDirty, false);
    assert.deepEqual([...readiness.settle()], []);
  });

  test('more than half at once: those that were avoided are not any more, and are again when it is over', () => {
    const readiness = settled(10, [2]);
    for (const i of [3, 4, 5, 6, 7]) readiness.set({ name: `node-${i}`, unready: true });
    assert.deepEqual([...readiness.settle()], ['node-2']);
    for (const i of [4, 5, 6, 7]) readiness.set({ name: `node-${i}` });
    assert.deepEqual([...readiness.settle()].sort(), ['node-2', 'node-3']);
  });

  test('one that is deleted is none of them', () => {
    const readiness = settled(6, [2]);
    readiness.delete('node-2');
    readiness.delete('node-77');
    assert.deepEqual([...readiness.settle()], ['node-2']);
    assert.deepEqual(readiness.report, { nodes: 5, unready: 0, names: [], isPaused: false });
  });

  test('a report has the first hundred names', () => {
    const { report } = settled(
      400,
      Array.from({ length: 150 }, (_, i) => i + 1),
    );
    assert.deepEqual([report.unready, report.names.length, report.names[0]], [150, 100, 'node-1']);
  });

  test('depend on the nodes as they are alone, and settle tells what differs', () => {
    const change = fc.record({
      name: fc.nat(7).map((i) => `node-${i}`),
      fate: fc.constantFrom('ready', 'unready', 'gone'),
    });
    fc.assert(
      fc.property(fc.array(fc.array(change)), (batches) => {
        const readiness = new NodeReadiness(OWN);
        const nodes = new Map<string, boolean>();
        const told = new Set<string>();
        for (const batch of batches) {
          for (const { name, fate } of batch) {
            if (fate === 'gone') {
              readiness.delete(name);
              nodes.delete(name);
            } else {
              readiness.set({ name, ...(fate === 'unready' && { unready: true }) });
              nodes.set(name, fate === 'ready');
            }
          }
          for (const name of readiness.settle()) if (!told.delete(name)) told.add(name);
        }
        const unready = [...nodes].filter(([, isReady]) => !isReady).map(([name]) => name);
        const isPaused = unready.length > 2 && unready.length * 2 > nodes.size;
        const expected = isPaused ? [] : unready.filter((name) => name !== OWN);
        assert.deepEqual([...readiness.avoided].sort(), expected.sort());
        assert.deepEqual([...told].sort(), expected.sort());
      }),
    );
  });
});
