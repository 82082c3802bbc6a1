import type { Ruleset } from '../../ruleset/model/ruleset.ts';
import { neededSetsAndMaps, shownTable, sorted } from '../../ruleset/model/shown-table.ts';
import { atOnce, type Steps } from '../../service/steps.ts';
import { chainObjects, setAndMapObjects } from './program-json.ts';
import { setObject } from './set-json.ts';
import { transactionCommands } from './transaction-json.ts';

/** How many elements are encoded in one step, and form one command. */
const ELEMENTS = 2000;

/** A family's table as libnftables JSON commands, each ready to be joined with commas. `all`: see dumpText. */
export function dumpCommands(...args: Parameters<typeof dumpCommandsSteps>): readonly string[] {
  return atOnce(dumpCommandsSteps(...args));
}

/** The same in steps: the table as it is at the first step, regardless of later changes. */
export function* dumpCommandsSteps(ruleset: Ruleset, table: string, all: boolean): Steps<readonly string[]> {
  const { program } = ruleset;
  const { family } = program;
  const shown = shownTable(ruleset, all);
  const adds: string[] = [];
  const verdicts = new Set<string>();
  for (const [setOrMap, elements] of shown.elements) {
    const own = yield* sorted(elements);
    for (let from = 0; from < own.length; from += ELEMENTS) {
      const some = own.slice(from, from + ELEMENTS);
      if (setOrMap.value === 'verdict') for (const { value } of some) verdicts.add(value);
      adds.push(...transactionCommands(family, table, { deletes: [], adds: some }, 'typeof'));
      yield;
    }
  }
  const { chains, marker } = shown.chains(verdicts);
  const objects = [
    { table: { family, name: table } },
    ...setAndMapObjects(family, table, all ? [...shown.elements.keys()] : neededSetsAndMaps(shown, chains)),
    ...(marker === undefined ? [] : [{ chain: { family, table, name: marker } }]),
    ...(yield* sorted(shown.counters)).map(({ key }) => ({ counter: { family, table, name: key } })),
    ...(yield* sorted(shown.clientSets)).map(({ key }) => setObject(family, table, key, 'typeof')),
    ...chainObjects(family, table, chains),
  ];
  return [...objects.map((object) => JSON.stringify({ add: object })), ...adds];
}
