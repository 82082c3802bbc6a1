import type { Where, World } from './world.ts';

/** Datagrams of one flood that came to a place, counted by the kernel. */
export interface Arrivals {
  readonly total: number;
  /** By destination, "10.32.0.15:80" or "[fd00:32::15]:80". */
  readonly endpoints: Record<string, number>;
}

/** An nft table of the tests that counts, and then drops, a flood's datagrams as they arrive in a place. */
export interface ArrivalCounter {
  read(): Promise<Arrivals>;
  /** ICMP and ICMPv6 destination unreachable messages that arrived since the counter was made. */
  readIcmpErrors(): Promise<number>;
  remove(): Promise<void>;
}

/**
 * Counts in a place what belongs to the flood `id`: marked by its payload (see flood_udp.py), so that other traffic,
 * even to the same endpoint, passes unharmed. No userspace and no conntrack in the way.
 */
export function countArrivals(world: World, where: Where, id: number): ArrivalCounter {
  const table = `kpn-arrivals-${id}`;
  // The magic number is "kpnf".
  const ours = `meta l4proto udp @th,64,32 0x6b706e66 @th,96,32 ${id}`;
  world.loadNft(
    where,
    `table inet ${table} {
  set arrived4 { typeof ip daddr . udp dport; flags dynamic; size 65535; }
  set arrived6 { typeof ip6 daddr . udp dport; flags dynamic; size 65535; }
  counter unreachable { }
  chain arrive {
    type filter hook prerouting priority -400; policy accept;
    ${ours} update @arrived4 { ip daddr . udp dport counter } drop
    ${ours} update @arrived6 { ip6 daddr . udp dport counter } drop
    icmp type destination-unreachable counter name unreachable
    icmpv6 type destination-unreachable counter name unreachable
  }
}
`,
  );
  return {
    async read() {
      const endpoints: Record<string, number> = {};
      let total = 0;
      for (const set of ['arrived4', 'arrived6']) {
        const { stdout } = await world.exec(where, ['nft', '-j', 'list', 'set', 'inet', table, set]);
        for (const { address, port, packets } of elementsOf(JSON.parse(stdout))) {
          endpoints[address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`] = packets;
          total += packets;
        }
      }
      return { total, endpoints };
    },
    async readIcmpErrors() {
      const { stdout } = await world.exec(where, ['nft', 'list', 'counter', 'inet', table, 'unreachable']);
      const packets = /packets (\d+)/.exec(stdout)?.[1];
      if (packets === undefined) throw new Error(`no counter in: ${stdout}`);
      return Number(packets);
    },
    async remove() {
      await world.exec(where, ['nft', 'delete', 'table', 'inet', table]);
    },
  };
}

interface SetElement {
  readonly elem: {
    readonly val: { readonly concat: readonly [string, number] };
    readonly counter: { readonly packets: number };
  };
}

interface SetListing {
  readonly nftables: readonly { readonly set?: { readonly elem?: readonly SetElement[] } }[];
}

function elementsOf(listing: SetListing): { address: string; port: number; packets: number }[] {
  return listing.nftables.flatMap(({ set }) =>
    (set?.elem ?? []).map(({ elem }) => ({
      address: elem.val.concat[0],
      port: elem.val.concat[1],
      packets: elem.counter.packets,
    })),
  );
}
