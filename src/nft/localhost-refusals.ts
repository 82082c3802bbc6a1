import type { Family } from '../ip.ts';
import { LOCALHOST_CHAIN, LOCALHOST_REFUSED } from '../ruleset/program/program.ts';
import type { Nft } from './nft.ts';
import type { TableName } from './tables.ts';

/** Packets refused, by protocol. */
export type LocalhostRefusals = Readonly<Record<(typeof LOCALHOST_REFUSED)[number], number>>;

/**
 * How many new connections to node ports on loopback a table has refused since it was created. With nft 1.0.6, it costs as
 * much as reading all elements. Throws NftError.
 */
export async function localhostRefusals(nft: Nft, family: Family, table: TableName): Promise<LocalhostRefusals> {
  const listed = await nft.listTerse('chain', family, table, LOCALHOST_CHAIN);
  const counters = listed.flatMap((object) => (isRule(object) ? [packetsOf(object.rule.expr)] : []));
  const [udp = 0, sctp = 0] = LOCALHOST_REFUSED.map((_, i) => counters[i]);
  return { udp, sctp };
}

function packetsOf(statements: readonly object[]): number {
  const counter = statements.find((statement) => 'counter' in statement)?.counter;
  const packets = typeof counter === 'object' && counter !== null && 'packets' in counter ? counter.packets : 0;
  return typeof packets === 'number' ? packets : 0;
}

function isRule(object: unknown): object is { rule: { expr: readonly object[] } } {
  return typeof object === 'object' && object !== null && 'rule' in object;
}
