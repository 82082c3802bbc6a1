import { FAMILIES } from '../../../src/ip.ts';
import { isAffinitySet } from '../../../src/ruleset/program/affinity.ts';
import type { NodeShell } from '../runner/node-shell.ts';

/** The clients that the kernel remembers: "set address". */
export async function boundClients(node: NodeShell): Promise<ReadonlySet<string>> {
  const listings = await node.list(...FAMILIES.map((family) => `sets ${family}`));
  const sets = listings.flatMap(({ nftables }) => nftables.flatMap(({ set }) => set ?? []));
  return new Set(
    sets
      .filter(({ name }) => isAffinitySet(name))
      .flatMap(({ name, elem = [] }) => elem.map((element) => `${name} ${element.elem?.val}`)),
  );
}
