import { lockNamespace } from '../control/namespace-lock.ts';
import { kernelFamilies } from '../host/families.ts';
import type { Log } from '../log.ts';
import { document } from '../nft/json/transaction-json.ts';
import { createNft } from '../nft/nft.ts';
import { probeNft } from '../nft/probe.ts';
import { deleteTableCommand, findTables } from '../nft/tables.ts';

/**
 * `cleanup`: deletes our tables in this network namespace and touches nothing else. Open connections continue, because their
 * translation is in conntrack.
 * @throws ProxyError E_ALREADY_RUNNING if a daemon runs, which would create them again
 */
export async function cleanup(runDir: string, log: Log): Promise<void> {
  const nft = createNft(runDir, 'cleanup');
  const lock = await lockNamespace(nft, log);
  try {
    await probeNft(nft, log);
    for (const family of kernelFamilies()) {
      for (const { name } of await findTables(nft, family)) {
        await nft.apply(document([deleteTableCommand(family, name)]));
        log.info('table removed', { family, table: name });
      }
    }
  } finally {
    lock.close();
  }
}
