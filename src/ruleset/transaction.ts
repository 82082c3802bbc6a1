import type { Family } from '../ip.ts';
import type { Container } from './container.ts';
import { type Element, elementJson, keyJson } from './element.ts';

/** Element changes that the kernel takes or refuses as a whole. Deletes come first: a changed element is in both. */
export interface Transaction {
  readonly deletes: readonly Element[];
  readonly adds: readonly Element[];
}

/** The number of element operations. */
export function sizeOf({ deletes, adds }: Transaction): number {
  return deletes.length + adds.length;
}

/** The transaction as the commands of a libnftables JSON document, each ready to be joined by commas. */
export function transactionCommands(family: Family, table: string, transaction: Transaction): readonly string[] {
  const command = (verb: 'add' | 'delete', encode: (element: Element) => string, elements: readonly Element[]) =>
    [...groupByContainer(elements)].map(
      ([{ name }, group]) =>
        `{"${verb}":{"element":{"family":"${family}","table":"${table}","name":"${name}","elem":[${group.map(encode).join(',')}]}}}`,
    );
  return [...command('delete', keyJson, transaction.deletes), ...command('add', elementJson, transaction.adds)];
}

/** Joins commands to one document for `nft -j -f`. */
export function document(commands: readonly string[]): string {
  return `{"nftables":[${commands.join(',\n')}]}\n`;
}

function groupByContainer(elements: readonly Element[]): Map<Container, Element[]> {
  const groups = new Map<Container, Element[]>();
  for (const element of elements) {
    const group = groups.get(element.container);
    if (group === undefined) groups.set(element.container, [element]);
    else group.push(element);
  }
  return groups;
}
