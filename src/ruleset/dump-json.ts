import { AFFINITY_SETS, setObject } from './affinity.ts';
import { shownElementsOf, sorted } from './dump-text.ts';
import { chainObjects, containerObjects } from './program-json.ts';
import type { Ruleset } from './ruleset.ts';
import { transactionCommands } from './transaction.ts';

/** A family's whole table as libnftables JSON commands, each ready to be joined by commas. `withHeartbeat`: see dumpText. */
export function dumpCommands(ruleset: Ruleset, table: string, withHeartbeat = false): readonly string[] {
  const { program } = ruleset;
  const { family } = program;
  const marker = { chain: { family, table, name: program.marker } };
  const objects = [
    { table: { family, name: table } },
    ...containerObjects(program, table),
    marker,
    ...sorted(ruleset.elementsOf(AFFINITY_SETS)).map(({ key }) => setObject(family, table, key, 'typeof')),
    ...chainObjects(family, table, [...program.chains, ...ruleset.dynamicChains()]),
  ];
  const adds = program.containers.flatMap((container) => sorted(shownElementsOf(ruleset, container, withHeartbeat)));
  return [
    ...objects.map((object) => JSON.stringify({ add: object })),
    ...transactionCommands(family, table, { deletes: [], adds }, 'typeof'),
  ];
}
