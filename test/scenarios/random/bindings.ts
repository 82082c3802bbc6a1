import { FAMILIES } from '../../../src/ip.ts';
import { isAffinitySet } from '../../../src/ruleset/affinity.ts';
import type { NodeShell } from '../runner/node-shell.ts';

interface ListedSet {
  readonly family: string;
  readonly name: string;
  readonly elem?: readonly { readonly elem: { readonly val: string } }[];
}

/** The clients that the kernel remembers: "set address". */
export async function boundClients(node: NodeShell): Promise<ReadonlySet<string>> {
  const listings = await node.run(FAMILIES.map((family) => `nft -j list sets ${family}`).join('\n'));
  const sets = listings.flatMap((listing) => {
    const { nftables }: { nftables: readonly { set?: ListedSet }[] } = JSON.parse(listing);
    return nftables.flatMap(({ set }) => (set !== undefined && isAffinitySet(set.name) ? [set] : []));
  });
  return new Set(sets.flatMap(({ name, elem = [] }) => elem.map(({ elem: { val } }) => `${name} ${val}`)));
}
