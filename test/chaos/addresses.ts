import { CLIENT, NODE } from '../netns/topology.ts';

/**
 * Who has which addresses in the cluster of a run. Pods of Services at rest have the third number 1 to 99, those of
 * Services that change have 128 and above (the bystander's 128 to 199, see ../hostile/bystander.ts).
 */

/** The nth pod of a group, of either family: 10.32.GROUP.N, fd00:32::GROUP:N, both in digits. */
export function pod(group: number, n: number): { readonly ip4: string; readonly ip6: string } {
  return { ip4: `10.32.${group}.${n + 1}`, ip6: `fd00:32::${group}:${n + 1}` };
}

/** ClusterIPs: Services that stay have 10.96 and 10.97; those that come and go have 10.98. */
export function clusterIps(n: number): { readonly ip4: string; readonly ip6: string } {
  return { ip4: `10.${96 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, ip6: `fd00:96::${n.toString(16)}` };
}

/** The same of Services that come and go. */
export function passingClusterIps(n: number): { readonly ip4: string; readonly ip6: string } {
  return { ip4: `10.98.0.${n}`, ip6: `fd00:96::f0${n.toString(16).padStart(2, '0')}` };
}

export const LOAD_BALANCER = { ip4: '203.0.113.10', ip6: '2001:db8:113::10' } as const;
/** Where load balancers let clients come from. */
export const SOURCE_RANGES = [`${CLIENT.ip4}/32`, `${NODE.ip4}/32`, '2001:db8:2::/48'] as const;

const CHANGING =
  /10\.32\.(12[89]|1[3-9]\d|2\d\d)\.|fd00:32::[12]\d\d:|10\.98\.|10\.100\.|fd00:96::f0|default\/(c|x)-|bystander\//;

/** True for an element, as nft lists it, that changes of the cluster may take away or bring at any time. */
export function mayChange(text: string): boolean {
  return CHANGING.test(text);
}
