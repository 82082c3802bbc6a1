import type { Family } from '../ip.ts';
import { type LocalhostRefusals, localhostRefusals } from '../nft/localhost-refusals.ts';
import { createNft } from '../nft/nft.ts';
import type { TableName } from '../nft/tables.ts';

/** Milliseconds. With nft 1.0.6, the cost of reading one chain grows with the size of the table. */
const VALID = 60_000;

const NONE: LocalhostRefusals = { udp: 0, sctp: 0 };

/** Reads, for scrapes, how many connections to node ports on loopback were refused; at most once a minute. */
export function createRefusedReader(
  runDir: string,
  tableOf: (family: Family) => TableName | undefined,
): (family: Family) => Promise<LocalhostRefusals> {
  const readings = new Map<Family, { readonly at: number; readonly numbers: Promise<LocalhostRefusals> }>();
  return (family) => {
    const last = readings.get(family);
    const now = performance.now();
    if (last !== undefined && now - last.at < VALID) return last.numbers;
    const table = tableOf(family);
    const nft = createNft(runDir, `${family}-counters`);
    const numbers = table === undefined ? Promise.resolve(NONE) : localhostRefusals(nft, family, table);
    readings.set(family, { at: now, numbers });
    return numbers;
  };
}
