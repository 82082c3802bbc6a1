import type { Family } from '../../ip.ts';
import type { Element } from '../../ruleset/elements/element.ts';
import { groupBySetOrMap, type Transaction } from '../../ruleset/model/transaction.ts';
import { LIMIT_COUNTERS } from '../../ruleset/program/limits.ts';
import { LATER_SETS } from '../../ruleset/program/node-port-ranges.ts';
import { CLIENT_SETS, OBJECTS } from '../../ruleset/program/objects.ts';
import { elementJson, keyJson } from './element-json.ts';
import { chainObjects } from './program-json.ts';
import { laterSetObject, type SetSyntax, setObject } from './set-json.ts';
/**
 * The transaction as the commands of a libnftables JSON document, each ready to be joined with commas. Chains are added
 * before the elements that lead to them, and deleted after them.
 */
export function transactionCommands(
  family: Family,
  table: string,
  transaction: Transaction,
  syntax: SetSyntax,
): readonly string[] {
  const [deletes, adds] = [groupBySetOrMap(transaction.deletes), groupBySetOrMap(transaction.adds)];
  const elements = (verb: 'add' | 'delete', encode: (element: Element) => string, groups: typeof adds) =>
    [...groups].flatMap(([setOrMap, group]) =>
      OBJECTS.includes(setOrMap)
        ? []
        : `{"${verb}":{"element":{"family":"${family}","table":"${table}","name":"${setOrMap.name}","elem":[${group.map(encode).join(',')}]}}}`,
    );
  return [
    ...elements('delete', keyJson, deletes),
    ...OBJECTS.toReversed().flatMap((setOrMap) => {
      const stay = new Set(adds.get(setOrMap));
      return (deletes.get(setOrMap) ?? []).map((object) => leaveCommand(family, table, object, stay.has(object)));
    }),
    ...OBJECTS.flatMap((setOrMap) =>
      objectsOf(family, table, adds.get(setOrMap) ?? [], syntax).map((object) => JSON.stringify({ add: object })),
    ),
    ...elements('add', elementJson, adds),
  ];
}

/** Joins commands to a document for `nft -j -f`. */
export function document(commands: readonly string[]): string {
  return `{"nftables":[${commands.join(',\n')}]}\n`;
}

/** A chain that stays is flushed for its new rules. */
function leaveCommand(family: Family, table: string, { setOrMap, key: name }: Element, stays: boolean): string {
  if (setOrMap === LIMIT_COUNTERS) return JSON.stringify({ delete: { counter: { family, table, name } } });
  if (CLIENT_SETS.includes(setOrMap)) return JSON.stringify({ delete: { set: { family, table, name } } });
  return JSON.stringify({ [stays ? 'flush' : 'delete']: { chain: { family, table, name } } });
}

function objectsOf(family: Family, table: string, elements: readonly Element[], syntax: SetSyntax): readonly object[] {
  return elements.flatMap(({ setOrMap, key, chain }) => {
    if (setOrMap === LIMIT_COUNTERS) return [{ counter: { family, table, name: key } }];
    if (CLIENT_SETS.includes(setOrMap)) return [setObject(family, table, key, syntax)];
    if (setOrMap === LATER_SETS) return [laterSetObject(family, table, key, syntax)];
    return chain === undefined ? [] : chainObjects(family, table, [chain]);
  });
}
