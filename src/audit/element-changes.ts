import type { Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';

/** Elements that differ between two tables. If a value or comment changes, the element is in both lists. */
export interface ElementChanges {
  readonly removed: readonly Element[];
  readonly added: readonly Element[];
}

/** What to remove from and add to the elements `before`, so that they become `after`. Chains and sets are elements here. */
export function elementChanges(before: Iterable<Element>, after: Iterable<Element>): ElementChanges {
  const left = new Map<SetOrMap, Map<string, Element>>();
  for (const element of before) {
    const own = left.get(element.setOrMap) ?? new Map<string, Element>();
    left.set(element.setOrMap, own.set(element.key, element));
  }
  const added: Element[] = [];
  for (const element of after) {
    const own = left.get(element.setOrMap);
    const old = own?.get(element.key);
    if (old?.value === element.value && old.comment === element.comment) own?.delete(element.key);
    else added.push(element);
  }
  return { removed: [...left.values()].flatMap((own) => [...own.values()]), added };
}
