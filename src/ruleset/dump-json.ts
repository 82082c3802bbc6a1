import { atOnce, type Steps } from '../service/steps.ts';
import { setObject } from './affinity.ts';
import { affinitySets, shownElements, sorted } from './dump-text.ts';
import { chainObjects, containerObjects } from './program-json.ts';
import type { Ruleset } from './ruleset.ts';
import { transactionCommands } from './transaction.ts';

/** Elements that are encoded in one step, and then are a command. */
const ELEMENTS = 2000;

/** A family's whole table as libnftables JSON commands, each ready to be joined by commas. `withHeartbeat`: see dumpText. */
export function dumpCommands(...args: Parameters<typeof dumpCommandsSteps>): readonly string[] {
  return atOnce(dumpCommandsSteps(...args));
}

/** The same in steps: of the table as it is at the first one, whatever changes meanwhile. */
export function* dumpCommandsSteps(ruleset: Ruleset, table: string, withHeartbeat = false): Steps<readonly string[]> {
  const { program } = ruleset;
  const { family } = program;
  const elements = shownElements(ruleset, withHeartbeat);
  const sets = affinitySets(ruleset);
  const chains = [...program.chains, ...ruleset.dynamicChains()];
  const marker = { chain: { family, table, name: program.marker } };
  const objects = [
    { table: { family, name: table } },
    ...containerObjects(program, table),
    marker,
    ...(yield* sorted(sets)).map(({ key }) => setObject(family, table, key, 'typeof')),
    ...chainObjects(family, table, chains),
  ];
  const commands = objects.map((object) => JSON.stringify({ add: object }));
  for (const own of elements.values()) {
    const adds = yield* sorted(own);
    for (let from = 0; from < adds.length; from += ELEMENTS) {
      const some = { deletes: [], adds: adds.slice(from, from + ELEMENTS) };
      commands.push(...transactionCommands(family, table, some, 'typeof'));
      yield;
    }
  }
  return commands;
}
