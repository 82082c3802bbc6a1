import type { Steps } from './steps.ts';

/** How many items are sorted or merged at a time, if a comparison takes some nanoseconds. */
const RUN = 4096;

/**
 * Sorts in steps. `compare`: as for Array.prototype.sort. Equal items keep their order. `run`: how many items are sorted in
 * one step.
 */
export function* sortedSteps<T>(items: readonly T[], compare: (a: T, b: T) => number, run = RUN): Steps<readonly T[]> {
  if (items.length <= run) return items.toSorted(compare);
  let runs: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += run) {
    runs.push(items.slice(from, from + run).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const longer: (readonly T[])[] = [];
    for (let i = 0; i < runs.length; i += 2)
      longer.push(yield* mergeSteps(runs[i] ?? [], runs[i + 1] ?? [], compare, run));
    runs = longer;
  }
  return runs[0] ?? [];
}

function* mergeSteps<T>(
  first: readonly T[],
  second: readonly T[],
  compare: (a: T, b: T) => number,
  run: number,
): Steps<readonly T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < first.length || j < second.length) {
    const [a, b] = [first[i], second[j]];
    const isFirst = j >= second.length || (i < first.length && compare(a as T, b as T) <= 0);
    merged.push((isFirst ? a : b) as T);
    if (isFirst) i++;
    else j++;
    if (merged.length % run === 0) yield;
  }
  return merged;
}
