import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IP family by its nft name. */
export type Family = 'ip' | 'ip6';

export const FAMILIES: readonly Family[] = ['ip', 'ip6'];

/**
 * The family of an address in text form, or undefined if it is none. Strict: leading zeros and zone
 * identifiers are refused, since other programs read them differently (CVE-2021-29923).
 */
export function familyOf(address: string): Family | undefined {
  if (isIPv4(address)) return 'ip';
  return isIPv6(address) && !address.includes('%') ? 'ip6' : undefined;
}

/**
 * The one canonical text of a valid address, so that equal addresses are equal strings. IPv6 as URLs have it: RFC 5952,
 * but never with a dotted tail, which ipaddr.js takes for an IPv4-mapped address ("::1.2.3.4" is not "::ffff:1.2.3.4").
 */
export function canonicalAddress(address: string): string {
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The length of a family's addresses in bits: the prefix of a network of one address. */
export function addressBits(family: Family): number {
  return family === 'ip' ? 32 : 128;
}

/** A network: canonical address with the host bits cleared, and its prefix length in bits. */
export interface Cidr {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

/** Reads `10.0.0.0/8` or `fd00::/48`; undefined if it is no CIDR. Host bits are cleared, as the kernel does. */
export function parseCidr(text: string): Cidr | undefined {
  const [address, prefixText, ...rest] = text.trim().split('/');
  if (address === undefined || prefixText === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefixText)) {
    return undefined;
  }
  const family = familyOf(address);
  const prefix = Number(prefixText);
  if (family === undefined || prefix > addressBits(family)) return undefined;
  const network =
    family === 'ip'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`).toString()
      : canonicalAddress(
          ipaddr.IPv6.networkAddressFromCIDR(`${canonicalAddress(address)}/${prefix}`).toNormalizedString(),
        );
  return { family, address: network, prefix };
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

/** The networks of a family without those that lie inside another: the same addresses, and no two overlap. */
export function disjointCidrs(texts: readonly string[], family: Family): readonly string[] {
  const cidrs = [...new Set(texts)].flatMap((text) => parseCidr(text) ?? []).filter((cidr) => cidr.family === family);
  const covers = (outer: Cidr, inner: Cidr) => outer.prefix < inner.prefix && isInCidr(inner.address, outer);
  return cidrs.filter((inner) => !cidrs.some((outer) => covers(outer, inner))).map(formatCidr);
}
