import { setTimeout as sleep } from 'node:timers/promises';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { deleteTableCommand, type FoundTable, findTables } from '../nft/tables.ts';
import { clusterIps } from './nft-tables.ts';

/** Milliseconds. No packet takes that long from the hook that sets its destination to the one that sets its source. */
const PACKETS_PASS = 100;

/** True if packets of the family go through a table of ours. Throws NftError. */
export async function isHooked(nft: Nft, family: Family): Promise<boolean> {
  return (await liveTables(nft, family)).length > 0;
}

/** The ClusterIPs that our tables in force serve. Throws NftError. */
export async function ownClusterIps(nft: Nft, families: readonly Family[]): Promise<ReadonlySet<string>> {
  const addresses = new Set<string>();
  for (const family of families) {
    for (const { name } of await liveTables(nft, family)) {
      for (const address of await clusterIps(nft, family, name)) addresses.add(address);
    }
  }
  return addresses;
}

/**
 * Removes our tables while another program's rules serve the same Services. First, they stop translating new connections.
 * Then, when no packet is between our hooks, they are deleted. Throws NftError.
 */
export async function retireOwnTables(nft: Nft, families: readonly Family[], log: Log): Promise<void> {
  for (const family of families) {
    const flushes = (await liveTables(nft, family)).flatMap((table) =>
      destinationHooks(table).map((name) => JSON.stringify({ flush: { chain: { family, table: table.name, name } } })),
    );
    if (flushes.length > 0) await nft.apply(document(flushes));
  }
  await sleep(PACKETS_PASS);
  for (const family of families) {
    for (const { name } of await findTables(nft, family)) {
      await nft.apply(document([deleteTableCommand(family, name)]));
      log.info('table removed', { family, table: name });
    }
  }
}

/** The base chains that give new connections their destination. */
function destinationHooks({ baseChains }: FoundTable): readonly string[] {
  return baseChains.flatMap((description) => {
    const [name = '', type, hook] = description.split(' ');
    return type === 'nat' && (hook === 'prerouting' || hook === 'output') ? [name] : [];
  });
}

async function liveTables(nft: Nft, family: Family): Promise<readonly FoundTable[]> {
  return (await findTables(nft, family)).filter(({ baseChains }) => baseChains.length > 0);
}
