import type { World } from '../../netns/world.ts';
import type { NodeShell } from './node-shell.ts';

export const WITNESS_TABLE = 'kpn-witness';

/**
 * An nft table on the node that sees, after all of ours, new connections that go on (or arrive) untranslated: an
 * untouched connection and a dropped one look the same to their client, as do an untouched and a rejected one.
 */
export function placeWitness(world: World): void {
  const see = [
    ['4', 'ip'],
    ['6', 'ip6'],
  ]
    .map(
      ([n, family]) =>
        `ct state new ct status & dnat == 0 meta l4proto { tcp, udp, sctp } update @seen${n} { ${family} saddr . ${family} daddr . meta l4proto . th dport }`,
    )
    .join('\n');
  world.loadNft(
    'node',
    `table inet ${WITNESS_TABLE} {
set seen4 { typeof ip saddr . ip daddr . meta l4proto . th dport; flags dynamic; size 65535; }
set seen6 { typeof ip6 saddr . ip6 daddr . meta l4proto . th dport; flags dynamic; size 65535; }
chain leaving { type filter hook postrouting priority 400; oifname "lo" return
${see}
}
chain arriving { type filter hook input priority 400;
${see}
}
}
`,
  );
}

/** Makes the node forget all connections, and the witness what it saw. */
export async function forgetConnections(node: NodeShell): Promise<void> {
  await node.run(`conntrack -F\nnft 'flush set inet ${WITNESS_TABLE} seen4; flush set inet ${WITNESS_TABLE} seen6'`);
}

/** What the witness saw: see untouchedKey. */
export async function untouchedConnections(node: NodeShell): Promise<ReadonlySet<string>> {
  const sets = (await node.list(`table inet ${WITNESS_TABLE}`)).flatMap(({ nftables }) => nftables);
  const elements = sets.flatMap(({ set }) => set?.elem ?? []);
  return new Set(elements.flatMap(({ concat }) => concat?.join(' ') ?? []));
}

/** What the witness calls connections from an address to a port of another. */
export function untouchedKey(source: string, destination: string, protocol: string, port: number): string {
  return [source, destination, protocol, port].join(' ');
}
