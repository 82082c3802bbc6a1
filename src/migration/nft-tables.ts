import { canonicalAddress, type Family } from '../ip.ts';
import { document } from '../nft/json/transaction-json.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import { isKubeletChain, isKubeProxyChain } from './kube-chains.ts';

/** The table of kube-proxy's nftables mode, in families ip and ip6. */
export const KUBE_PROXY_TABLE = 'kube-proxy';

/** What the chains of a family show about kube-proxy. */
export interface NftTraces {
  readonly family: Family;
  /** True if the table of nftables mode exists. */
  readonly table: boolean;
  /** The number of kube-proxy's iptables chains in nftables. */
  readonly iptablesChains: number;
  readonly kubeletChains: number;
}

/** Reads only the chains of a family. Takes a few milliseconds, whatever sets and maps contain. Throws NftError. */
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

/** Deletes kube-proxy's table of a family with its contents. Throws NftError. */
export async function deleteKubeProxyTable(nft: Nft, family: Family): Promise<void> {
  await nft.apply(document([JSON.stringify({ delete: { table: { family, name: KUBE_PROXY_TABLE } } })]));
}

/** The addresses in the set cluster-ips of a table, which kube-proxy's table and ours have. Throws NftError. */
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

/** nft wraps the value of an element with a comment in an object. */
function addressOf(element: unknown): readonly string[] {
  const value = typeof element === 'string' ? element : (element as { elem?: { val?: unknown } }).elem?.val;
  return typeof value === 'string' ? [canonicalAddress(value)] : [];
}

function isChain(object: unknown): object is { chain: { table: string; name: string } } {
  return typeof object === 'object' && object !== null && 'chain' in object;
}
