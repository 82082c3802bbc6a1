/**
 * What weights and slow start take, worked out without a kernel: node scripts/bench/weights.ts. Shares through a kernel are
 * told by node --test test/traffic/weights.test.ts.
 */
import { assignRepeated } from '../../src/ruleset/model/repeated-slots.ts';
import type { Endpoint } from '../../src/service/endpoints.ts';
import { SLOW_START_STEPS } from '../../src/service/slow-start.ts';
import { atOnce } from '../../src/service/steps.ts';
import { type SlowStarts, weighSteps } from '../../src/service/weights.ts';

const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;

/** How many slots each endpoint has. */
function countsOf(weights: readonly number[], starts: SlowStarts = new Map()): ReadonlyMap<string, number> {
  const endpoints: readonly Endpoint[] = weights.map((weight, i) => ({
    address: address(i),
    port: 80,
    maybeLocal: false,
    ...(weight > 1 && { weight }),
  }));
  const pools = [{ endpoints, slotWeight: 1 }];
  const [weighed = []] = atOnce(weighSteps(pools, starts, Number.POSITIVE_INFINITY)).pools;
  return new Map(weighed.map((endpoint) => [endpoint.address, endpoint.weight ?? 1]));
}

const slotsOf = (counts: ReadonlyMap<string, number>, before: readonly string[] = []) =>
  atOnce(assignRepeated(before, counts));

/** Slots written and deleted from one state to the next. */
function moved(before: readonly string[], after: readonly string[]): number {
  const written = after.filter((endpoint, slot) => before[slot] !== endpoint).length;
  return written + Math.max(before.length - after.length, 0);
}

/** The largest difference between the share that an endpoint should have and has, in parts of what it should have. */
function largestError(weights: readonly number[], counts: ReadonlyMap<string, number>): number {
  const [all, slots] = [sum(weights), sum([...counts.values()])];
  return Math.max(...weights.map((weight, i) => Math.abs((counts.get(address(i)) ?? 0) / slots / (weight / all) - 1)));
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const canary = (stable: number, weight: number) => [...new Array<number>(stable).fill(weight), 1];
const percent = (part: number) => `${(100 * part).toFixed(part > 0.1 ? 0 : 1)} %`;

console.log('| endpoints | weights | elements | one weight more | one endpoint goes | largest error of a share |');
console.log('|---|---|---|---|---|---|');
const cases: readonly (readonly [title: string, weights: readonly number[]])[] = [
  ['9 : 1', [9, 1]],
  ['90 : 10', [90, 10]],
  ['99 : 1', [99, 1]],
  ['9 each, one 1', canary(9, 9)],
  ['9 each, one 1', canary(99, 9)],
  ['9 each, one 1', canary(999, 9)],
  ['1 to 100', Array.from({ length: 100 }, (_, i) => i + 1)],
  ['1 to 100', Array.from({ length: 1000 }, (_, i) => 1 + (i % 100))],
];
for (const [title, weights] of cases) {
  const counts = countsOf(weights);
  const slots = slotsOf(counts);
  const heavier = slotsOf(countsOf(weights.with(0, (weights[0] ?? 0) + 1)), slots);
  const fewer = countsOf(weights.slice(0, -1));
  const cells = [weights.length, title, slots.length, moved(slots, heavier), moved(slots, slotsOf(fewer, slots))];
  console.log(`| ${cells.join(' | ')} | ${percent(largestError(weights, counts))} |`);
}

console.log(
  '\n| endpoints, of which one begins | elements before | at the first step | operations at the first, each and the last |',
);
console.log('|---|---|---|---|');
for (const count of [2, 10, 100, 1000, 5000]) {
  const weights = new Array<number>(count).fill(1);
  const before = slotsOf(countsOf(weights.slice(1)));
  let slots = before;
  const operations: number[] = [];
  let first = 0;
  for (let step = 1; step <= SLOW_START_STEPS; step++) {
    const starts = step === SLOW_START_STEPS ? new Map() : new Map([[address(count - 1), step]]);
    const next = slotsOf(countsOf(weights, starts), slots);
    operations.push(moved(slots, next));
    slots = next;
    if (step === 1) first = slots.length;
  }
  const each = [...new Set(operations.slice(1, -1))].join(' or ');
  console.log(`| ${count} | ${before.length} | ${first} | ${operations[0]}, ${each}, ${operations.at(-1)} |`);
}
