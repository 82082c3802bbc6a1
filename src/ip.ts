import { BlockList, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IP family by its nft name. */
export type Family = 'ip' | 'ip6';

export const FAMILIES: readonly Family[] = ['ip', 'ip6'];

/** Their names for people, and in kube-proxy's metrics and health checks. */
export const FAMILY_NAMES: Readonly<Record<Family, string>> = { ip: 'IPv4', ip6: 'IPv6' };

/**
 * The family of an address in text form; undefined if it is not an address. Strict: leading zeros and zone identifiers are
 * refused, because programs read them differently (CVE-2021-29923).
 */
export function familyOf(address: string): Family | undefined {
  if (isIPv4(address)) return 'ip';
  return isIPv6(address) && !address.includes('%') ? 'ip6' : undefined;
}

/**
 * The canonical text of a valid address, so that equal addresses are equal strings. IPv6 is written as in URLs: RFC 5952,
 * but never with a dotted tail, which ipaddr.js takes for an IPv4-mapped address ("::1.2.3.4" is not "::ffff:1.2.3.4").
 */
export function canonicalAddress(address: string): string {
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The bytes of an IP address in the order of packets. */
export function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

/** The length of a family's addresses in bits: the prefix length of a single address. */
export function addressBits(family: Family): number {
  return family === 'ip' ? 32 : 128;
}

/** A network: canonical address with the host bits cleared, and its prefix length in bits. */
export interface Cidr {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

/** Reads `10.0.0.0/8` or `fd00::/48`; undefined if it is not a CIDR. Host bits are cleared, like in the kernel. */
export function parseCidr(text: string): Cidr | undefined {
  const trimmed = text.trim();
  const slash = trimmed.indexOf('/');
  const address = trimmed.slice(0, slash);
  const prefixText = trimmed.slice(slash + 1);
  if (slash < 0 || !/^\d{1,3}$/.test(prefixText)) return undefined;
  const family = familyOf(address);
  const prefix = Number(prefixText);
  if (family === undefined || prefix > addressBits(family)) return undefined;
  return { family, address: family === 'ip' ? network4(address, prefix) : network6(address, prefix), prefix };
}

/** Most are already canonical. For these, no new text is created. */
function network4(address: string, prefix: number): string {
  const number = numberOf(address);
  const host = number % 2 ** (32 - prefix);
  return host === 0 ? address : addressOf(number - host);
}

function network6(address: string, prefix: number): string {
  const canonical = canonicalAddress(address);
  const groups = groupsOf(canonical);
  let isNetwork = true;
  for (const [i, group] of groups.entries()) {
    const bits = Math.min(Math.max(prefix - i * 16, 0), 16);
    const host = group % 2 ** (16 - bits);
    if (host === 0) continue;
    isNetwork = false;
    groups[i] = group - host;
  }
  return isNetwork ? canonical : canonicalAddress(groups.map((group) => group.toString(16)).join(':'));
}

/** The eight numbers of a canonical IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const numbers = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [numbers(head), numbers(tail ?? '')];
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/** "10.0.0.0/8"; empty for none. */
export function formatCidr(cidr: Cidr | undefined): string {
  return cidr === undefined ? '' : `${cidr.address}/${cidr.prefix}`;
}

/** True if an address lies in a network. */
export function isInCidr(address: string, cidr: Cidr): boolean {
  if (familyOf(address) !== cidr.family) return false;
  return cidr.family === 'ip'
    ? ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parse(cidr.address), cidr.prefix)
    : ipaddr.IPv6.parse(address).match(ipaddr.IPv6.parse(cidr.address), cidr.prefix);
}

/** A canonical address as text of zeros and ones. */
export function bitsOf(address: string): string {
  if (!address.includes(':')) return numberOf(address).toString(2).padStart(32, '0');
  return groupsOf(address)
    .map((group) => group.toString(2).padStart(16, '0'))
    .join('');
}

/**
 * Whether a canonical address is in any of some networks ("address/prefix"; invalid ones are skipped). For many lookups in
 * the same networks: a lookup costs a hundredth of isInCidr.
 */
export function networkTester(texts: readonly string[]): (address: string) => boolean {
  const cidrs = texts.flatMap((text) => parseCidr(text) ?? []);
  const ip4 = cidrs.flatMap(({ family, address, prefix }) =>
    family === 'ip' ? [{ base: numberOf(address), size: 2 ** (32 - prefix) }] : [],
  );
  // Seldom needed, and as expensive as about fifty of the others.
  const ip6 = ip4.length < cidrs.length ? new BlockList() : undefined;
  for (const { family, address, prefix } of cidrs) if (family === 'ip6') ip6?.addSubnet(address, prefix, 'ipv6');
  return (address) => {
    if (address.includes(':')) return ip6?.check(address, 'ipv6') ?? false;
    const number = numberOf(address);
    return ip4.some(({ base, size }) => number >= base && number < base + size);
  };
}

/** The IPv4 address of a number of 32 bits. */
function addressOf(number: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(number / unit) % 256).join('.');
}

/** An IPv4 address as a number of 32 bits. */
function numberOf(address: string): number {
  let [number, octet] = [0, 0];
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === DOT) [number, octet] = [number * 256 + octet, 0];
    else octet = octet * 10 + code - ZERO;
  }
  return number * 256 + octet;
}

const DOT = 46;
const ZERO = 48;

/** True if two networks have addresses in common. One is then inside the other. */
export function overlap(a: Cidr, b: Cidr): boolean {
  return a.prefix <= b.prefix ? isInCidr(b.address, a) : isInCidr(a.address, b);
}

/** The address by which this machine reaches itself. */
export const LOOPBACK_ADDRESS: Readonly<Record<Family, string>> = { ip: '127.0.0.1', ip6: '::1' };

/** True for a canonical address that only reaches this machine. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/**
 * True for a canonical IPv6 address that is only valid on one link (fe80::/10). Services are never reached by such
 * addresses, or from them.
 */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][\da-f]:/.test(address);
}

/**
 * The IPv4 address to which a router translates a canonical IPv6 address: for NAT64's well-known prefix (RFC 6052,
 * 64:ff9b::/96) and 6to4 (RFC 3056, 2002::/16); undefined for any other.
 */
export function translatedIpv4(address: string): string | undefined {
  if (!/^(64:ff9b::|2002:)/.test(address) || familyOf(address) !== 'ip6') return undefined;
  const bytes = [...addressBytes(address)];
  if (address.startsWith('2002:')) return bytes.slice(2, 6).join('.');
  return bytes.slice(4, 12).every((byte) => byte === 0) ? bytes.slice(12).join('.') : undefined;
}
