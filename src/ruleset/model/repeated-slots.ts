import { eachInSteps, endsStep, mapInSteps, type Steps } from '../../service/steps.ts';

/**
 * Gives each wanted endpoint its number of slots among 0 … n-1, where n is the sum of these numbers, with as few changes as
 * possible: slots of endpoints that have too many, or are removed, go to endpoints that have too few. assignSlots is the
 * same with one slot each.
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
