import type { Nft } from '../nft/nft.ts';
import { type OtherTable, otherTables } from '../nft/other-tables.ts';
import { hasQuirk, QUIRKS } from '../nft/quirks.ts';
import { NftError } from '../nft/run.ts';
import { MANY_CHAINS } from '../nft/slow-transactions.ts';
import { refusalOf } from '../nft/try-document.ts';
import { type Finding, ok, unknown, warning } from './finding.ts';

const TOPIC = 'other tables';

/** From this number on, sets and maps of other programs cost every nft more than our own transaction. */
const MANY_SETS = 1000;

/** The transaction that is timed. For an element, nft reads what exists, as it does for ours. It is only a dry run. */
const SMALL = `table ip kube-proxy-nft-check {
 set small { type ipv4_addr; }
}
add element ip kube-proxy-nft-check small { 192.0.2.1 }
`;
const TIMES = 3;
const TIMEOUT = 10;

/** Checks which other programs have nftables tables, and what these add to the cost of each of our changes. */
export async function checkOtherTables(nft: Nft): Promise<readonly Finding[]> {
  try {
    const tables = await otherTables(nft);
    return describe(tables, await nft.version(), await shortestTransaction());
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    const what = error.failure === 'not-permitted' ? 'they cannot be listed without CAP_NET_ADMIN' : error.message;
    return [unknown(TOPIC, what, 'run it as root, where nft works')];
  }
}

/** Milliseconds that nft takes for a small transaction; undefined if nft refuses it. */
async function shortestTransaction(): Promise<number | undefined> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMES; i++) {
    const began = performance.now();
    if ((await refusalOf(SMALL, TIMEOUT)) !== undefined) return undefined;
    shortest = Math.min(shortest, performance.now() - began);
  }
  return shortest;
}

function describe(tables: readonly OtherTable[], version: string, ms: number | undefined): readonly Finding[] {
  const sum = (of: (table: OtherTable) => number) => tables.reduce((all, table) => all + of(table), 0);
  const [chains, sets, elements] = [sum((t) => t.chains), sum((t) => t.sets), sum((t) => t.elements ?? 0)];
  const isCounted = tables.every((table) => table.elements !== undefined);
  const cost = ms === undefined ? '' : `; nft takes ${ms.toFixed(0)} ms for a small transaction`;
  const counts = `${tables.length} tables of other programs, with ${chains} chains, ${sets} sets and maps, and ${isCounted ? '' : 'more than '}${elements} elements${cost}`;
  const findings: Finding[] = [];
  const [first] = tables;
  if (chains >= MANY_CHAINS && hasQuirk(version, QUIRKS.readsAllChains) && first !== undefined) {
    findings.push(
      warning(
        TOPIC,
        `${counts}: nft ${version} reads all of these chains for each change, ${first.chains} of them in table ${first.table}`,
        `upgrade nftables to ${QUIRKS.readsAllChains.before} or newer, or remove those that nobody needs`,
      ),
    );
  }
  if (sets >= MANY_SETS) {
    const what = `${counts}: nft reads all of their sets and maps for each change`;
    findings.push(warning(TOPIC, what, 'remove what is not needed (nft list sets, nft list maps)'));
  }
  return findings.length > 0 ? findings : [ok(TOPIC, tables.length === 0 ? 'none' : counts)];
}
