import { translatedIpv4 } from '../ip.ts';

/**
 * Addresses at which no Service can be reached from outside (RFC 6890 and the registries that it began). IPv6 is in
 * canonical form: everything that begins with `::` is reserved (RFC 4291), and includes every notation of an IPv4 address
 * that a program or kernel may take for IPv4: mapped, compatible, translated.
 */
const SPECIAL: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^(0\.|::$)/, 'the unspecified address'],
  [/^(127\.|::1$)/, 'a loopback address'],
  [/^(169\.254\.|fe[89ab][0-9a-f]:)/, 'a link-local address'],
  [/^(22[4-9]\.|23\d\.|ff[0-9a-f]{2}:)/, 'a multicast address'],
  [/^255\.255\.255\.255$/, 'the broadcast address'],
  [/^::/, 'an IPv4 address in IPv6 form'],
];

/** The beginnings of all of these, and of their NAT64 and 6to4 forms. Nearly all addresses begin differently. */
const SUSPICIOUS = /^(0\.|127|169|22|23|255|:|f[ef]|64:|2002:)/;

/**
 * What a canonical address is that can never be an external or load balancer IP of a Service: "a loopback address";
 * undefined if it can. With rules for it, the node's own connections, or those to a metadata service (169.254.169.254),
 * would end at a pod. This includes the NAT64 and 6to4 forms of such IPv4 addresses.
 */
export function whyUnusable(address: string): string | undefined {
  if (!SUSPICIOUS.test(address)) return undefined;
  const special = SPECIAL.find(([pattern]) => pattern.test(address));
  if (special !== undefined) return special[1];
  const translated = translatedIpv4(address);
  const what = translated === undefined ? undefined : whyUnusable(translated);
  return what === undefined ? undefined : `${what} (${translated}) in IPv6 form`;
}
