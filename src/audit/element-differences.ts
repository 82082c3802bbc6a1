import type { Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { KernelView } from '../ruleset/model/ruleset.ts';
import type { Steps } from '../service/steps.ts';
import type { ElementDifference } from './drift.ts';

/** How many elements are compared at a time. */
const STEP = 2_000;

/**
 * Compares what nft listed of a set or map with what the kernel should hold: what somebody deleted, changed or added.
 * Elements that the model is changing are left out. In steps; the model may change in between, so check the result again
 * (see isDifferent).
 */
export function* elementDifferences(
  setOrMap: SetOrMap,
  listed: readonly Element[],
  view: KernelView,
): Steps<readonly ElementDifference[]> {
  const differences: ElementDifference[] = [];
  const seen = new Set<string>();
  let count = 0;
  const compare = (key: string, found: ElementDifference['found']) => {
    const difference = { setOrMap, key, expected: view.find(key), found };
    if (isDifferent(difference, view)) differences.push(difference);
  };
  for (const { key, value, comment } of listed) {
    seen.add(key);
    compare(key, { value, comment });
    if (++count % STEP === 0) yield;
  }
  for (const key of view.keys()) {
    if (!seen.has(key)) compare(key, undefined);
    if (++count % STEP === 0) yield;
  }
  return differences;
}

/** True if what was found of an element still differs from what the kernel should hold. */
export function isDifferent({ key, found }: Pick<ElementDifference, 'key' | 'found'>, view: KernelView): boolean {
  if (view.isChanging(key)) return false;
  const expected = view.find(key);
  return expected?.value !== found?.value || expected?.comment !== found?.comment;
}

/** True if two looks found the same of an element. */
export function isSameFinding(one: ElementDifference, other: ElementDifference): boolean {
  return (
    one.key === other.key && one.found?.value === other.found?.value && one.found?.comment === other.found?.comment
  );
}
