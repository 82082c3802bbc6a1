import type { Family } from '../ip.ts';
import type { SetDialect } from './affinity.ts';
import { type Container, containersOf } from './container.ts';
import { containerObjects } from './program-json.ts';
import { containerText } from './program-text.ts';

/** nft's names for what keys are made of. */
const TYPES = {
  address: { ip: 'ipv4_addr', ip6: 'ipv6_addr' },
  cidr: { ip: 'ipv4_addr', ip6: 'ipv6_addr' },
  protocol: { ip: 'inet_proto', ip6: 'inet_proto' },
  port: { ip: 'inet_service', ip6: 'inet_service' },
} as const;

/** Such a set or map, by its name, as libnftables JSON; for the dialects see setObject. */
export function laterSetObject(family: Family, table: string, name: string, dialect: SetDialect): object {
  const container = containerNamed(family, name);
  const { key, value, interval } = container;
  if (dialect === 'typeof') return containerObjects(family, table, [container])[0] ?? {};
  const type = key.map((field) => {
    if (field.type === 'slot') throw new Error(`set ${name} has a slot in its key`);
    return TYPES[field.type][family];
  });
  const common = { family, table, name, type, ...(interval && { flags: ['interval'] }) };
  return value === undefined ? { set: common } : { map: { ...common, map: 'verdict' } };
}

/** The same as text. */
export function laterSetText(family: Family, name: string): string {
  return containerText(containerNamed(family, name), []);
}

function containerNamed(family: Family, name: string): Container {
  const container = containersOf(family).find((one) => one.name === name);
  if (container === undefined) throw new Error(`no program has a set ${name}`);
  return container;
}
