import type { Family } from '../ip.ts';
import type { Nft } from './nft.ts';
import type { TableName } from './tables.ts';

/** An input ends after this many elements. It keeps nft near 0.2 s and 50 MB, like the model's batches. */
const INPUT_ELEMENTS = 10_000;

/** The clients with session affinity in a table. */
export interface AffinityClients {
  /** Set of an endpoint's clients → each client as nft prints and reads it: "10.0.0.1 timeout 3h expires 2h5m". */
  readonly bySet: ReadonlyMap<string, readonly string[]>;
  readonly count: number;
  /** How many more there were. */
  readonly left: number;
}

/** What nft prints of an element that expires. */
const CLIENT = /[\da-f.:]+ timeout (?:\d+[dhms]+)+ expires (?:\d+[dhms]+)+/g;

/**
 * Reads the clients of some sets, at most `most` of them, in one listing of the table, while nft prints it.
 * @throws NftError
 */
export async function readClients(
  nft: Nft,
  family: Family,
  table: TableName,
  sets: ReadonlySet<string>,
  most: number,
): Promise<AffinityClients> {
  const bySet = new Map<string, string[]>();
  let count = 0;
  let left = 0;
  let clients: string[] | undefined;
  await nft.listText(
    (line) => {
      const [, name] = /^\tset (\S+) \{$/.exec(line) ?? [];
      if (name !== undefined && sets.has(name)) {
        clients = [];
        bySet.set(name, clients);
      } else if (line === '\t}') clients = undefined;
      else if (clients !== undefined) {
        const found = line.match(CLIENT) ?? [];
        const taken = found.slice(0, most - count);
        clients.push(...taken);
        count += taken.length;
        left += found.length - taken.length;
      }
    },
    'table',
    family,
    table,
  );
  return { bySet, count, left };
}

/** Inputs for nft, in text form, that add clients to the sets with the same names in another table. */
export function* clientInputs(family: Family, table: TableName, { bySet }: AffinityClients): Iterable<string> {
  let commands: string[] = [];
  let room = INPUT_ELEMENTS;
  for (const [set, clients] of bySet) {
    for (let i = 0; i < clients.length; ) {
      const some = clients.slice(i, i + room);
      i += some.length;
      room -= some.length;
      commands.push(`add element ${family} ${table} ${set} { ${some.join(', ')} }\n`);
      if (room > 0) continue;
      yield commands.join('');
      commands = [];
      room = INPUT_ELEMENTS;
    }
  }
  if (commands.length > 0) yield commands.join('');
}
