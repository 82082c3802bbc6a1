import { eachInSteps, endsStep, mapInSteps, type Steps } from '../../service/steps.ts';

/**
 * Gives each wanted endpoint so many of the slots 0 … n-1, n being the sum of all, and changes as few as possible: those
 * that hold an endpoint which has too many, or go, get one that has too few. As assignSlots, of which each has one.
 */
export function* assignRepeated(
  current: readonly string[],
  wanted: ReadonlyMap<string, number>,
): Steps<readonly string[]> {
  const missing = new Map(wanted);
  let count = 0;
  yield* eachInSteps(wanted.values(), (slots) => {
    count += slots;
  });
  const slots: (string | undefined)[] = new Array(count).fill(undefined);
  for (let slot = 0; slot < Math.min(current.length, count); slot++) {
    const endpoint = current[slot];
    const left = endpoint === undefined ? 0 : (missing.get(endpoint) ?? 0);
    if (endpoint !== undefined && left > 0) {
      missing.set(endpoint, left - 1);
      slots[slot] = endpoint;
    }
    if (endsStep(slot)) yield;
  }
  const unplaced = repeated(missing);
  return yield* mapInSteps(slots, (endpoint) => endpoint ?? unplaced.next().value ?? '');
}

function* repeated(endpoints: ReadonlyMap<string, number>): Generator<string, undefined> {
  for (const [endpoint, count] of endpoints) for (let i = 0; i < count; i++) yield endpoint;
}
