import type { Element } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Hops } from '../program/hops.ts';
import { OBJECTS } from '../program/objects.ts';
import { PICK_CHAINS } from '../program/pick-chain.ts';

/**
 * Changes of elements that the kernel accepts or refuses as a whole. Deletions come first: a changed element is in both
 * lists.
 */
export interface Transaction {
  readonly deletes: readonly Element[];
  readonly adds: readonly Element[];
}

/** The number of element operations. */
export function sizeOf({ deletes, adds }: Transaction): number {
  return deletes.length + adds.length;
}

/**
 * Splits a transaction for a table in use into transactions to send one after the other. One that adds or changes chains
 * becomes two: the deepest hops first, and then the verdicts that lead there. A packet that has entered a hook sees the
 * chains as they were then (the kernel's rule generations), but elements as they are now. In a single transaction, a new
 * verdict would lead it to an empty chain, or to the old rules of a chain that nothing led to.
 */
export function deepestFirst(transaction: Transaction, hops: Hops): readonly Transaction[] {
  const { deletes, adds } = transaction;
  if (!adds.some(({ chain }) => chain !== undefined)) return [transaction];
  const hopOf = ({ setOrMap }: Element) => hops.get(setOrMap.name) ?? 0;
  const deepest = hops.get(PICK_CHAINS.name) ?? 0;
  const part = (isPart: (element: Element) => boolean) => ({
    deletes: deletes.filter(isPart),
    adds: adds.filter(isPart),
  });
  const isDeep = (element: Element) => OBJECTS.includes(element.setOrMap) || hopOf(element) >= deepest;
  const parts = [part(isDeep), part((element) => !isDeep(element))];
  return parts.filter((each) => sizeOf(each) > 0);
}

/** Elements grouped by set or map, each group in the given order. */
export function groupBySetOrMap(elements: readonly Element[]): Map<SetOrMap, Element[]> {
  const groups = new Map<SetOrMap, Element[]>();
  for (const element of elements) {
    const group = groups.get(element.setOrMap);
    if (group === undefined) groups.set(element.setOrMap, [element]);
    else group.push(element);
  }
  return groups;
}
