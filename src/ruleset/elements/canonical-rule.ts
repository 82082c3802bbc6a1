import { PROTOCOL_NUMBERS } from './set-or-map.ts';

const PROTOCOL_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(PROTOCOL_NUMBERS).map(([name, number]) => [String(number), name]),
);

/** Seconds of the units of nft's durations: "1d3h46m40s". */
const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** What only rules have whose form differs. Most of a Service's with session affinity have none of it. */
const VARIES = /\b(?:dnat|meta|counter|reject|timeout|comment)\b|\/128\b/;

/** `meta l4proto tcp `, and what follows: nft does not print it where that says the same. */
const PROTOCOL_MATCH = /^meta l4proto (tcp|udp|sctp) (?=(.*)$)/;

/**
 * A rule of ours in one form, whoever printed it: printRule, or any nft (compared: 1.0.6, 1.1.3 and 1.1.7). Equal rules
 * give equal texts. nft leaves out what another part of the rule implies, counts, prints protocols by number where there
 * is no /etc/protocols, and durations in the largest units. What it prints of rules of others need not make sense here:
 * it only has to differ.
 */
export function canonicalRule(text: string): string {
  if (!VARIES.test(text)) return text;
  const plain = withoutComment(text)
    .replace(/\bcounter packets \d+ bytes \d+/, 'counter')
    .replace(/\breject with icmp(?:v6)? (?:type )?port-unreachable$/, 'reject')
    // nft does not print its usual burst.
    .replace(/ burst 5 packets\b/, '')
    .replace(/\bdnat ip6? to /, 'dnat to ')
    .replace(/\bmeta iifname /, 'iifname ')
    .replace(/\bip6 daddr ((?:!= )?[0-9a-f:]+)\/128\b/g, 'ip6 daddr $1')
    .replace(/\bmeta l4proto (\d+)\b/g, (_, number) => `meta l4proto ${nameOf(number)}`)
    .replace(/\bmeta l4proto \{ ([^}]*) \}/, (_, list) => `meta l4proto { ${list.split(', ').map(nameOf).join(', ')} }`)
    .replace(/\bmeta l4proto (tcp|udp|sctp) meta l4proto \. th dport\b/, 'meta l4proto . $1 dport')
    .replace(/\btimeout ((?:\d+[dhms])+)/, (_, duration) => `timeout ${secondsOf(duration)}s`);
  const [match, protocol, rest = ''] = PROTOCOL_MATCH.exec(plain) ?? [];
  if (match === undefined) return plain;
  const told = rest.replace(' . th dport', ` . ${protocol} dport`);
  const isImplied =
    told.includes(`${protocol} dport`) || (protocol === 'tcp' && told.endsWith('reject with tcp reset'));
  return isImplied ? told : plain;
}

/** A rule as nft prints it, without its comment; that of pick chains is their signature. */
function withoutComment(text: string): string {
  return text.replace(/ comment "[^"]*"$/, '');
}

/** The comment of a rule as nft prints it; empty for none. */
export function ruleComment(text: string): string {
  return / comment "([^"]*)"$/.exec(text)?.[1] ?? '';
}

function nameOf(protocol: string): string {
  return PROTOCOL_NAMES.get(protocol) ?? protocol;
}

function secondsOf(duration: string): number {
  return [...duration.matchAll(/(\d+)([dhms])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0),
    0,
  );
}
