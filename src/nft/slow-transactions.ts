import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Nft } from './nft.ts';
import { hasQuirk, QUIRKS } from './quirks.ts';
import { TABLE_NAMES } from './tables.ts';

/** With this many chains, they are what takes an older nft so long. Session affinity has as many sets as chains. */
export const MANY_CHAINS = 1000;

/**
 * Milliseconds. If a transaction takes longer and the chains are not the reason, sets of other programs must be, which every
 * nft reads.
 */
const BY_SETS = 10;

/**
 * Logs why even a small transaction takes so many milliseconds of CPU time, and what to do about it: for each, nft reads
 * what other programs have in their tables. It logs nothing if the machine may be slow, or if our own chains and sets of
 * session affinity may be the reason. Never rejects.
 */
export async function tellOfSlowTransactions(milliseconds: number, nft: Nft, log: Log): Promise<void> {
  try {
    const chains = await chainsByTable(nft);
    const own = chains.filter(({ isOurs }) => isOurs).reduce((sum, { count }) => sum + count, 0);
    const foreign = chains.filter(({ isOurs }) => !isOurs).toSorted((a, b) => b.count - a.count);
    const others = foreign.reduce((sum, { count }) => sum + count, 0);
    const version = await nft.version();
    const tell = (why: string) =>
      log.warn(
        `tables of other programs make each of our changes slow (${milliseconds.toFixed(0)} ms of CPU time): ${why}`,
        { nft: version },
      );
    if (own >= MANY_CHAINS && own > others) return;
    if (hasQuirk(version, QUIRKS.readsAllChains) && others >= MANY_CHAINS) {
      tell(
        `this nft reads all of their ${others} chains for each, ${foreign[0]?.count} of them in table ${foreign[0]?.table}; ` +
          `upgrade nftables to ${QUIRKS.readsAllChains.before} or newer, or remove those that nobody needs`,
      );
    } else if (milliseconds >= BY_SETS) {
      tell('nft reads all of their sets and maps for each; remove those that nobody needs (nft list sets)');
    }
  } catch (error) {
    log.detail(1, `the reason for slow changes is not known: ${messageOf(error)}`);
  }
}

/** How many chains a table has. */
export interface TableChains {
  /** "ip filter" */
  readonly table: string;
  readonly isOurs: boolean;
  readonly count: number;
}

/** The tables that have chains, of all families. Throws NftError. */
export async function chainsByTable(nft: Nft): Promise<readonly TableChains[]> {
  const tables = new Map<string, TableChains>();
  for (const object of await nft.list('chains')) {
    if (!isChain(object)) continue;
    const table = `${object.chain.family} ${object.chain.table}`;
    const isOurs = TABLE_NAMES.some((name) => name === object.chain.table);
    tables.set(table, { table, isOurs, count: (tables.get(table)?.count ?? 0) + 1 });
  }
  return [...tables.values()];
}

function isChain(object: unknown): object is { chain: { family: string; table: string } } {
  return typeof object === 'object' && object !== null && 'chain' in object;
}
