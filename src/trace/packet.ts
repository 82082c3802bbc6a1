import { ProxyError } from '../errors.ts';
import { canonicalAddress, type Family, familyOf } from '../ip.ts';
import { PROTOCOLS } from '../ruleset/elements/set-or-map.ts';

/** The first packet of a new connection, and what its fate depends on besides the ruleset. */
export interface TracedPacket {
  readonly source: string;
  readonly destination: string;
  /** An IP protocol by nft's name: "tcp", "icmpv6". */
  readonly protocol: string;
  /** Destination port; required for tcp, udp and sctp, ignored for protocols without ports. */
  readonly port?: number | undefined;
  /** Whether the node creates it, or it arrives on an interface. "outside" and "pod" only differ in the output. */
  readonly from: 'outside' | 'pod' | 'node';
  /** The interface on which it arrives; only needed for programs that check it (pods recognised by interface). */
  readonly iifname?: string | undefined;
  /** True if the source stands for others, so a hash of it counts as random. */
  readonly isExample?: boolean | undefined;
  /** The node's addresses. Those of the other family are ignored. Loopback addresses may be left out. */
  readonly own: readonly string[];
}

/** What rules can check about a packet at one point of its way. */
export interface Facts {
  readonly family: Family;
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  /** Undefined for protocols without ports. */
  readonly port: number | undefined;
  /** Empty if there is none: the kernel then compares with "" (5.4). Undefined if the caller did not say. */
  readonly iifname: string | undefined;
  readonly isExample: boolean;
  /** The original destination of the connection. */
  readonly original: { readonly destination: string; readonly port: number | undefined };
  /** Whether a dnat or masquerade statement was carried out. */
  readonly destinationNat: boolean;
  readonly sourceNat: boolean;
}

/**
 * A packet's facts when it is created or arrives. Throws E_USAGE for addresses or a port that no packet of the family can
 * have.
 */
export function factsOf(packet: TracedPacket, family: Family): Facts {
  const { protocol, from, isExample = false } = packet;
  const source = addressOf(packet.source, family);
  const destination = addressOf(packet.destination, family);
  const port = PROTOCOLS.some((name) => name === protocol) ? portOf(packet.port, protocol) : undefined;
  const iifname = from === 'node' ? '' : packet.iifname;
  const original = { destination, port };
  const untouched = { destinationNat: false, sourceNat: false };
  return { family, protocol, source, destination, port, iifname, isExample, original, ...untouched };
}

/** Returns a function that recognises the node's own addresses (canonical), including loopback, like `fib … type local`. */
export function ownAddresses({ own }: TracedPacket): (address: string) => boolean {
  const named = new Set(own.filter((address) => familyOf(address) !== undefined).map(canonicalAddress));
  return (address) => named.has(address) || address.startsWith('127.') || address === '::1';
}

/** "10.0.0.1:80", "[fd00::1]:80"; the address alone for protocols without ports. */
export function placeText(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function addressOf(text: string, family: Family): string {
  if (familyOf(text) === family) return canonicalAddress(text);
  throw new ProxyError(
    'E_USAGE',
    `cannot trace a packet with address "${text}": give ${family === 'ip' ? 'IPv4' : 'IPv6'} addresses for source and destination`,
  );
}

function portOf(port: number | undefined, protocol: string): number {
  if (port !== undefined && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new ProxyError('E_USAGE', `cannot trace a ${protocol} packet to port ${port}: give a port from 0 to 65535`);
}
