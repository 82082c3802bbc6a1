import type { Family } from '../../ip.ts';
import type { Element } from '../elements/element.ts';
import { elementText } from '../elements/element-text.ts';
import { printRule } from '../elements/statement.ts';
import { setText } from '../program/affinity.ts';
import { laterSetText } from '../program/later-sets.ts';
import { LIMIT_COUNTERS } from '../program/limits.ts';
import { LATER_SETS } from '../program/node-port-ranges.ts';
import { CLIENT_SETS, OBJECTS } from '../program/objects.ts';
import { groupBySetOrMap, type Transaction } from './transaction.ts';

/**
 * A transaction as an nft script, for people and for `nft -c`: the same commands in the same order as in
 * transactionCommands. Empty if there is nothing to do.
 */
export function transactionText(family: Family, table: string, { deletes, adds }: Transaction): string {
  const own = `${family} ${table}`;
  const isObject = ({ setOrMap }: Element) => OBJECTS.includes(setOrMap);
  const elements = (verb: string, some: readonly Element[], text: (element: Element) => string) =>
    [...groupBySetOrMap(some.filter((element) => !isObject(element)))].map(
      ([{ name }, group]) => `${verb} element ${own} ${name} {\n${group.map((one) => `\t${text(one)},\n`).join('')}}`,
    );
  const stay = new Set(adds.filter(isObject).map(({ setOrMap, key }) => `${setOrMap.name} ${key}`));
  return [
    ...elements('delete', deletes, ({ key }) => key),
    ...OBJECTS.toReversed().flatMap((kind) =>
      deletes
        .filter(({ setOrMap }) => setOrMap === kind)
        .map(({ key }) => {
          if (kind === LIMIT_COUNTERS) return `delete counter ${own} ${key}`;
          if (CLIENT_SETS.includes(kind)) return `delete set ${own} ${key}`;
          return `${stay.has(`${kind.name} ${key}`) ? 'flush' : 'delete'} chain ${own} ${key}`;
        }),
    ),
    ...OBJECTS.flatMap((kind) =>
      adds.filter(({ setOrMap }) => setOrMap === kind).flatMap((object) => additionsOf(family, own, object)),
    ),
    ...elements('add', adds, elementText),
  ]
    .map((command) => `${command}\n`)
    .join('');
}

function additionsOf(family: Family, own: string, { setOrMap, key, chain }: Element): readonly string[] {
  if (setOrMap === LIMIT_COUNTERS) return [`add counter ${own} ${key}`];
  if (CLIENT_SETS.includes(setOrMap)) return [`table ${own} {\n${setText(family, key)}\n}`];
  if (setOrMap === LATER_SETS) return [`table ${own} {\n${laterSetText(family, key)}\n}`];
  if (chain === undefined) return [];
  const { name, rules, signature } = chain;
  const comment = (i: number) => (signature !== undefined && i === rules.length - 1 ? ` comment "${signature}"` : '');
  return [
    `add chain ${own} ${name}`,
    ...rules.map((rule, i) => `add rule ${own} ${name} ${printRule(rule)}${comment(i)}`),
  ];
}
