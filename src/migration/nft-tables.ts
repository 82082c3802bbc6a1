import { canonicalAddress, type Family } from '../ip.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import { isKubeletChain, isKubeProxyChain } from './kube-chains.ts';

/** The table of kube-proxy's nftables mode, in families ip and ip6. */
export const KUBE_PROXY_TABLE = 'kube-proxy';

/** What the chains of a family tell about kube-proxy. */
export interface NftTraces {
  readonly family: Family;
  /** True if there is a table of nftables mode. */
  readonly table: boolean;
  /** How many chains of kube-proxy iptables has put into nftables. */
  readonly iptablesChains: number;
  readonly kubeletChains: number;
}

/** Reads the chains of a family and nothing else: a few milliseconds, whatever sets and maps hold. Throws NftError. */
export async function findTraces(nft: Nft, family: Family): Promise<NftTraces> {
  const listed = await nft.list('chains', family);
  const chains = listed.flatMap((object) => (isChain(object) ? [object.chain] : []));
  return {
    family,
    table: chains.some(({ table }) => table === KUBE_PROXY_TABLE),
    iptablesChains: chains.filter(({ table, name }) => isKubeProxyChain(table, name)).length,
    kubeletChains: chains.filter(({ table, name }) => isKubeletChain(table, name)).length,
  };
}

/** Deletes kube-proxy's table of a family with all it holds. Throws NftError. */
export async function deleteKubeProxyTable(nft: Nft, family: Family): Promise<void> {
  await nft.apply(document([JSON.stringify({ delete: { table: { family, name: KUBE_PROXY_TABLE } } })]));
}

/** The addresses in the set cluster-ips of a table, which kube-proxy's has and ours; none without it. Throws NftError. */
export async function clusterIps(nft: Nft, family: Family, table: string): Promise<readonly string[]> {
  try {
    const listed = await nft.list('set', family, table, 'cluster-ips');
    return listed.flatMap((object) => elementsOf(object).flatMap((element) => addressOf(element)));
  } catch (error) {
    if (error instanceof NftError && error.failure === 'not-found') return [];
    throw error;
  }
}

function elementsOf(object: unknown): readonly unknown[] {
  return (object as { set?: { elem?: unknown[] } }).set?.elem ?? [];
}

/** An element with a comment is an object around its value. */
function addressOf(element: unknown): readonly string[] {
  const value = typeof element === 'string' ? element : (element as { elem?: { val?: unknown } }).elem?.val;
  return typeof value === 'string' ? [canonicalAddress(value)] : [];
}

function isChain(object: unknown): object is { chain: { table: string; name: string } } {
  return typeof object === 'object' && object !== null && 'chain' in object;
}
