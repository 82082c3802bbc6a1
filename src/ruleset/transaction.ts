import type { Family } from '../ip.ts';
import { type SetDialect, setObject } from './affinity.ts';
import type { Container } from './container.ts';
import { type Element, elementJson, keyJson } from './element.ts';
import type { Hops } from './hops.ts';
import { laterSetObject } from './later-sets.ts';
import { LIMIT_COUNTERS } from './limits.ts';
import { LATER_SETS } from './node-port-ranges.ts';
import { CLIENT_SETS, OBJECTS } from './objects.ts';
import { PICK_CHAINS } from './pick-chain.ts';
import { chainObjects } from './program-json.ts';

/** Element changes that the kernel takes or refuses as a whole. Deletes come first: a changed element is in both. */
export interface Transaction {
  readonly deletes: readonly Element[];
  readonly adds: readonly Element[];
}

/** The number of element operations. */
export function sizeOf({ deletes, adds }: Transaction): number {
  return deletes.length + adds.length;
}

/**
 * The transaction as the commands of a libnftables JSON document, each ready to be joined by commas. Chains come before
 * the elements that lead to them, and go after them.
 */
export function transactionCommands(
  family: Family,
  table: string,
  transaction: Transaction,
  dialect: SetDialect,
): readonly string[] {
  const [deletes, adds] = [groupByContainer(transaction.deletes), groupByContainer(transaction.adds)];
  const elements = (verb: 'add' | 'delete', encode: (element: Element) => string, groups: typeof adds) =>
    [...groups].flatMap(([container, group]) =>
      OBJECTS.includes(container)
        ? []
        : `{"${verb}":{"element":{"family":"${family}","table":"${table}","name":"${container.name}","elem":[${group.map(encode).join(',')}]}}}`,
    );
  return [
    ...elements('delete', keyJson, deletes),
    ...OBJECTS.toReversed().flatMap((container) => {
      const stay = new Set(adds.get(container));
      return (deletes.get(container) ?? []).map((object) => leaveCommand(family, table, object, stay.has(object)));
    }),
    ...OBJECTS.flatMap((container) =>
      objectsOf(family, table, adds.get(container) ?? [], dialect).map((object) => JSON.stringify({ add: object })),
    ),
    ...elements('add', elementJson, adds),
  ];
}

/**
 * A transaction for a table that packets meet, as those to send one after the other. One that brings or changes chains is
 * two: the deepest first, and then the verdicts that lead there. A packet that has entered a hook sees the chains as they
 * were then (the kernel's rule generations) but elements as they are: a new verdict would lead it to an empty chain, or to
 * the old rules of one that nothing led to.
 */
export function deepestFirst(transaction: Transaction, hops: Hops): readonly Transaction[] {
  const { deletes, adds } = transaction;
  if (!adds.some(({ chain }) => chain !== undefined)) return [transaction];
  const hopOf = ({ container }: Element) => hops.get(container.name) ?? 0;
  const deepest = hops.get(PICK_CHAINS.name) ?? 0;
  const part = (isPart: (element: Element) => boolean) => ({
    deletes: deletes.filter(isPart),
    adds: adds.filter(isPart),
  });
  const isDeep = (element: Element) => OBJECTS.includes(element.container) || hopOf(element) >= deepest;
  const parts = [part(isDeep), part((element) => !isDeep(element))];
  return parts.filter((each) => sizeOf(each) > 0);
}

/** Joins commands to one document for `nft -j -f`. */
export function document(commands: readonly string[]): string {
  return `{"nftables":[${commands.join(',\n')}]}\n`;
}

/** A chain that stays is emptied for its new rules. */
function leaveCommand(family: Family, table: string, { container, key: name }: Element, stays: boolean): string {
  if (container === LIMIT_COUNTERS) return JSON.stringify({ delete: { counter: { family, table, name } } });
  if (CLIENT_SETS.includes(container)) return JSON.stringify({ delete: { set: { family, table, name } } });
  return JSON.stringify({ [stays ? 'flush' : 'delete']: { chain: { family, table, name } } });
}

function objectsOf(
  family: Family,
  table: string,
  elements: readonly Element[],
  dialect: SetDialect,
): readonly object[] {
  return elements.flatMap(({ container, key, chain }) => {
    if (container === LIMIT_COUNTERS) return [{ counter: { family, table, name: key } }];
    if (CLIENT_SETS.includes(container)) return [setObject(family, table, key, dialect)];
    if (container === LATER_SETS) return [laterSetObject(family, table, key, dialect)];
    return chain === undefined ? [] : chainObjects(family, table, [chain]);
  });
}

/** Elements by their set or map, each group in the order given. */
export function groupByContainer(elements: readonly Element[]): Map<Container, Element[]> {
  const groups = new Map<Container, Element[]>();
  for (const element of elements) {
    const group = groups.get(element.container);
    if (group === undefined) groups.set(element.container, [element]);
    else group.push(element);
  }
  return groups;
}
