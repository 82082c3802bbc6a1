import type { Family } from '../../ip.ts';
import { sourceAddress } from '../../ruleset/elements/packet-fields.ts';
import { MAX_CLIENTS } from '../../ruleset/program/affinity.ts';
import { laterSetNamed } from '../../ruleset/program/later-sets.ts';
import { setAndMapObjects } from './program-json.ts';

/** How this nft declares sets in JSON. nft before 1.1.2 does not know `typeof` there, and does not accept "dynamic". */
export type SetSyntax = 'type' | 'typeof';

/**
 * A set of clients as libnftables JSON. It uses `typeof` wherever nft knows it: a set with `type` that was written by nft
 * 1.1.3 or newer makes nft 1.0.6 crash at every listing.
 */
export function setObject(family: Family, table: string, name: string, syntax: SetSyntax): object {
  const type = syntax === 'typeof' ? { typeof: sourceAddress(family) } : family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  // nft 1.0.6 adds "dynamic" by itself for a rule that updates the set.
  const flags = syntax === 'typeof' ? ['timeout', 'dynamic'] : ['timeout'];
  return { set: { family, table, name, type, flags, size: MAX_CLIENTS } };
}

/** nft's names for the types of key fields. */
const TYPES = {
  address: { ip: 'ipv4_addr', ip6: 'ipv6_addr' },
  cidr: { ip: 'ipv4_addr', ip6: 'ipv6_addr' },
  protocol: { ip: 'inet_proto', ip6: 'inet_proto' },
  port: { ip: 'inet_service', ip6: 'inet_service' },
} as const;

/** A set or map that is created with its first element, by name, as libnftables JSON. For the syntaxes see setObject. */
export function laterSetObject(family: Family, table: string, name: string, syntax: SetSyntax): object {
  const setOrMap = laterSetNamed(family, name);
  const { key, value, interval } = setOrMap;
  if (syntax === 'typeof') return setAndMapObjects(family, table, [setOrMap])[0] ?? {};
  const type = key.map((field) => {
    if (field.type === 'slot') throw new Error(`set ${name} has a slot in its key`);
    return TYPES[field.type][family];
  });
  const common = { family, table, name, type, ...(interval && { flags: ['interval'] }) };
  return value === undefined ? { set: common } : { map: { ...common, map: 'verdict' } };
}
