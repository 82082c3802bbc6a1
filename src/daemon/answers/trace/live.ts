import { ProxyError } from '../../../errors.ts';
import type { Nft } from '../../../nft/nft.ts';
import { explainNftError } from '../../../nft/probe.ts';
import { NftError } from '../../../nft/run.ts';
import { findTables, type TableName } from '../../../nft/tables.ts';
import { compareWay, isOnWay, type WayComparison } from '../../../sync/live-way.ts';
import { Way } from '../../../trace/way.ts';
import type { ModelInTable } from '../knowledge.ts';
import type { Traced } from './answer.ts';
import type { LiveResult, TracedConnection } from './connection.ts';

/**
 * Compares the chains and elements on the way of each connection with the kernel. Reads the kernel once for each family.
 * @throws ProxyError E_NFT_MISSING, E_NFT_NOT_PERMITTED, E_NFT_FAILED
 */
export async function withLive(traced: readonly Traced[], nft: Nft): Promise<readonly TracedConnection[]> {
  const comparisons = new Map<ModelInTable, WayComparison>();
  try {
    for (const entry of new Set(traced.map((one) => one.entry))) {
      const ways = traced.filter((one) => one.entry === entry).map(({ trace }) => trace.way);
      comparisons.set(entry, await compareWay(Way.of(ways), entry.model.ruleset, nft, await tableOf(entry, nft)));
    }
  } catch (error) {
    throw error instanceof NftError ? explainNftError(error) : error;
  }
  return traced.map(({ entry, trace, connection }) => {
    const comparison = comparisons.get(entry);
    if (comparison === undefined) throw new ProxyError('E_INTERNAL', 'a connection was not compared with the kernel');
    return { ...connection, live: liveResult(trace.way, comparison) };
  });
}

/** The table that packets go through, or the one that should exist if there is none. */
async function tableOf({ model, table }: ModelInTable, nft: Nft): Promise<TableName> {
  const live = (await findTables(nft, model.family)).filter(({ baseChains }) => baseChains.length > 0);
  return live.some(({ name }) => name === table) ? table : (live[0]?.name ?? table);
}

/** The part of a comparison that concerns one connection. */
function liveResult(way: Way, { chains, elements, differences, notCompared }: WayComparison): LiveResult {
  const affected = differences.filter((difference) => isOnWay(way, difference));
  const told = affected.map(({ drift: { kind, action, message } }) => ({ kind, action, message }));
  return { chains, elements, differences: told, notCompared };
}
