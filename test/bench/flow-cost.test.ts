import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowCost, flowTurns } from '../../scripts/bench/flow-cost.ts';

test('flowTurns: a line is a turn; anything else is no output of the program', () => {
  assert.deepEqual(flowTurns('0 1500.5 1510.0\n1 1600.0 1601.0\n'), [
    { way: 0, cpu: 1500.5, wall: 1510 },
    { way: 1, cpu: 1600, wall: 1601 },
  ]);
  assert.throws(() => flowTurns('0 1500.5\n'), /not a turn/);
  assert.throws(() => flowTurns(''), /not a turn/);
});

test('flowCost: what disturbed some turns does not show', () => {
  const turns = [1500, 1510, 1520, 9000].map((cpu) => ({ way: 0, cpu, wall: cpu + 10 }));
  assert.equal(flowCost(turns), 1500);
});

test("flowCost: wall clock where the kernel does not count a packet's way as its sender's work", () => {
  assert.equal(flowCost([{ way: 0, cpu: 400, wall: 1500 }]), 1500);
});

test('flowCost: without turns there is no figure', () => {
  assert.throws(() => flowCost([]), /no samples/);
});
