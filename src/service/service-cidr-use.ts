import { type Cidr, formatCidr, networkTester, overlap, parseCidr } from '../ip.ts';

/** What ServiceCIDRs must not contain: connections to an unallocated address of theirs are dropped. */
export interface TakenAddresses {
  /** Canonical addresses, and the owner of each: "an address of this node". */
  readonly addresses: readonly (readonly [address: string, whose: string])[];
  readonly podNetworks: readonly Cidr[];
}

/**
 * Why a ServiceCIDR with these networks is not used at all: "its network 10.0.0.0/8 holds 10.0.0.5, an address of this
 * node"; undefined if it is used. If it overlaps this node's addresses, a pod network or an API server's address, the node
 * would drop connections that are not for a Service. `isServices`: whether an address in it belongs to a Service all the
 * same; only called for such addresses.
 */
export function whyUnused(
  networks: readonly string[],
  { addresses, podNetworks }: TakenAddresses,
  isServices: (address: string) => boolean,
): string | undefined {
  for (const text of networks) {
    const network = parseCidr(text);
    if (network === undefined) continue;
    const holds = networkTester([text]);
    const held = addresses.find(([address]) => holds(address) && !isServices(address));
    if (held !== undefined) return `its network ${text} holds ${held[0]}, ${held[1]}`;
    const pods = podNetworks.find((candidate) => overlap(candidate, network));
    if (pods !== undefined) return `its network ${text} overlaps the pod network ${formatCidr(pods)}`;
  }
  return undefined;
}
