import { messageOf } from '../errors.ts';
import type { Family } from '../ip.ts';
import type { Nft } from '../nft/nft.ts';
import { type Backend, hasLegacyTables, type IptablesRules, readIptables } from './iptables.ts';
import { removesSomething, serviceAddresses, type TableRemoval } from './iptables-save.ts';
import { hasIpvs, type IpvsState, readIpvs } from './ipvs.ts';
import { findLiveProxies, type LiveProxies } from './live-proxies.ts';
import { clusterIps, findTraces, KUBE_PROXY_TABLE } from './nft-tables.ts';
import { type RouteLocalnet, readRouteLocalnet } from './route-localnet.ts';
import { ToolError } from './tool.ts';

/** Everything of kube-proxy in this network namespace. */
export interface Found {
  readonly live: LiveProxies;
  /** Families with a table of nftables mode. */
  readonly tables: readonly Family[];
  /** The iptables rules, for each backend that has rules of kube-proxy or the kubelet. */
  readonly iptables: readonly IptablesRules[];
  readonly ipvs: IpvsState;
  readonly routeLocalnet: RouteLocalnet;
  /** What exists but cannot be read, and why: "iptables legacy: iptables-legacy-save is missing". */
  readonly unreadable: readonly string[];
}

const NO_IPVS: IpvsState = { device: false, addresses: [], servers: [], foreign: 0, sets: [] };

/**
 * Looks for kube-proxy: processes, nftables tables, iptables rules and IPVS. Changes nothing.
 * @throws NftError
 */
export async function findKubeProxy(nft: Nft, families: readonly Family[]): Promise<Found> {
  const rules = await findRules(nft, families);
  return { ...rules, live: await findLiveProxies(() => hasRules(rules)) };
}

/** What kube-proxy has in the kernel. */
export type FoundRules = Omit<Found, 'live'>;

/** Looks only for nftables tables, iptables rules and IPVS. Throws NftError. */
export async function findRules(nft: Nft, families: readonly Family[]): Promise<FoundRules> {
  const unreadable: string[] = [];
  const tables: Family[] = [];
  const iptables: IptablesRules[] = [];
  const read = async (family: Family, backend: Backend) => {
    const rules = await orNote(() => readIptables(family, backend), `iptables ${backend} (${family})`, unreadable);
    const isOfKubernetes = (removal: TableRemoval) =>
      removesSomething(removal) || removal.kept.length + removal.kubelet.length > 0;
    if (rules?.removals.some(isOfKubernetes)) iptables.push(rules);
    return rules;
  };
  for (const family of families) {
    const traces = await findTraces(nft, family);
    if (traces.table) tables.push(family);
    if (traces.iptablesChains + traces.kubeletChains > 0) {
      const rules = await read(family, 'nft');
      const seen = rules?.removals.reduce((sum, { removed, kept }) => sum + removed.length + kept.length, 0);
      if (seen !== undefined && seen < traces.iptablesChains) {
        unreadable.push(`iptables nft (${family}): ${traces.iptablesChains - seen} chains that iptables does not show`);
      }
    }
    if (await hasLegacyTables(family)) await read(family, 'legacy');
  }
  const ipvs = (await orNote(() => readIpvs(), 'ipvs', unreadable)) ?? NO_IPVS;
  return { tables, iptables, ipvs, routeLocalnet: readRouteLocalnet(iptables), unreadable };
}

/** True if rules of kube-proxy are in the kernel, or if this cannot be ruled out. */
export function hasRules({ tables, iptables, ipvs, unreadable }: FoundRules): boolean {
  return (
    tables.length > 0 ||
    iptables.some(({ removals }) => removals.some(removesSomething)) ||
    hasIpvs(ipvs) ||
    unreadable.length > 0
  );
}

/** The addresses of Services in kube-proxy's rules, in any mode. Throws NftError. */
export async function addressesServed({ tables, iptables, ipvs }: Found, nft: Nft): Promise<ReadonlySet<string>> {
  const addresses = new Set([...ipvs.addresses, ...iptables.flatMap((rules) => serviceAddresses(rules.tables))]);
  for (const family of tables) {
    for (const address of await clusterIps(nft, family, KUBE_PROXY_TABLE)) addresses.add(address);
  }
  return addresses;
}

async function orNote<T>(read: () => Promise<T>, what: string, notes: string[]): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    notes.push(`${what}: ${messageOf(error)}`);
    return undefined;
  }
}
