import { PROTOCOL_NUMBERS } from './set-or-map.ts';

const PROTOCOL_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(PROTOCOL_NUMBERS).map(([name, number]) => [String(number), name]),
);

/** Seconds of the units of nft's durations: "1d3h46m40s". */
const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** Only rules that match this have a form that varies. Most rules of a Service with session affinity do not. */
const VARIES = /\b(?:dnat|meta|counter|reject|timeout|comment)\b|\/128\b/;

/** `meta l4proto tcp `, and what follows. nft does not print it if what follows implies it. */
const PROTOCOL_MATCH = /^meta l4proto (tcp|udp|sctp) (?=(.*)$)/;

/**
 * One form for a rule of ours, whoever printed it: printRule, or any nft (compared: 1.0.6, 1.1.3 and 1.1.7). Equal rules
 * give equal texts. nft leaves out what another part of the rule implies, prints counts, prints protocols as numbers without
 * /etc/protocols, and durations in the largest units. For rules of others, the result need not make sense: it only has to
 * differ.
 */
export function canonicalRule(text: string): string {
  if (!VARIES.test(text)) return text;
  const plain = withoutComment(text)
    .replace(/\bcounter packets \d+ bytes \d+/, 'counter')
    .replace(/\breject with icmp(?:v6)? (?:type )?port-unreachable$/, 'reject')
    // nft does not print its default burst.
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

/** A rule as nft prints it, without its comment. In pick chains, the comment is the signature. */
function withoutComment(text: string): string {
  return text.replace(/ comment "[^"]*"$/, '');
}

/** The comment of a rule as nft prints it; empty if there is none. */
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
