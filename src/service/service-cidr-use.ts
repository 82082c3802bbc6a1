import { type Cidr, formatCidr, isInCidr, overlap, parseCidr } from '../ip.ts';

/** What ServiceCIDRs must not hold: connections to an unallocated address of theirs are dropped. */
export interface TakenAddresses {
  /** This node's own, canonical. */
  readonly nodeAddresses: Iterable<string>;
  readonly apiServers: Iterable<string>;
  /** As "address/prefix". */
  readonly podNetworks: readonly string[];
}

/** Which ServiceCIDRs connections are dropped by. */
export interface ServiceCidrUse {
  /** The networks of those that are used. They may overlap. */
  readonly networks: readonly string[];
  /** Name of a ServiceCIDR that is not → why: "its network 10.0.0.0/8 holds 10.0.0.5, an address of this node". */
  readonly unused: ReadonlyMap<string, string>;
}

/**
 * Decides which ServiceCIDRs are used, given as name → networks. One that overlaps this node's addresses, a pod network or
 * the API server's address is not, with none of its networks: with it the node would drop connections that are no Service's.
 */
export function useOfServiceCidrs(
  serviceCidrs: ReadonlyMap<string, readonly string[]>,
  { nodeAddresses, apiServers, podNetworks }: TakenAddresses,
): ServiceCidrUse {
  const single = [
    ...[...nodeAddresses].map((address) => ({ address, whose: 'an address of this node' })),
    ...[...apiServers].map((address) => ({ address, whose: 'the API server’s address' })),
  ];
  const pods = podNetworks.flatMap((text) => parseCidr(text) ?? []);
  const problem = (network: Cidr): string | undefined => {
    const held = single.find(({ address }) => isInCidr(address, network));
    if (held !== undefined) return `holds ${held.address}, ${held.whose}`;
    const pod = pods.find((candidate) => overlap(candidate, network));
    return pod === undefined ? undefined : `overlaps the pod network ${formatCidr(pod)}`;
  };
  const networks: string[] = [];
  const unused = new Map<string, string>();
  for (const [name, texts] of serviceCidrs) {
    const cidrs = texts.flatMap((text) => parseCidr(text) ?? []);
    const [first] = cidrs.flatMap((cidr) => {
      const why = problem(cidr);
      return why === undefined ? [] : [`its network ${formatCidr(cidr)} ${why}`];
    });
    if (first === undefined) networks.push(...texts);
    else unused.set(name, first);
  }
  return { networks, unused };
}
