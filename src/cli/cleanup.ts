import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockNamespace } from '../control/namespace-lock.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { probeNft } from '../nft/probe.ts';
import { deleteTableCommand, findTables } from '../nft/tables.ts';
import { document } from '../ruleset/transaction.ts';
import { kernelFamilies } from './families.ts';

/**
 * --cleanup: deletes our tables in this network namespace and touches nothing else. Connections that are open go on:
 * their translation is in conntrack.
 * @throws ProxyError E_ALREADY_RUNNING while a daemon would put them back
 */
export async function cleanup(log: Log): Promise<void> {
  const lock = await lockNamespace(log);
  const directory = await mkdtemp(join(tmpdir(), 'kube-proxy-nft-'));
  try {
    const nft = createNft(directory, 'cleanup');
    await probeNft(nft, log);
    for (const family of kernelFamilies()) {
      for (const { name } of await findTables(nft, family)) {
        await nft.apply(document([deleteTableCommand(family, name)]));
        log.info('table removed', { family, table: name });
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
    lock.close();
  }
}
