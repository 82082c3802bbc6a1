import type { Family } from '../../ip.ts';
import type { Expression } from './statement.ts';

const payload = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });

/** A family's addresses as packet fields. */
export const sourceAddress = (family: Family) => payload(family, 'saddr');
export const destinationAddress = (family: Family) => payload(family, 'daddr');
export const transportProtocol: Expression = { meta: { key: 'l4proto' } };

/** `tcp dport`; `th dport` where the protocol is part of the key. */
export const destinationPort = (protocol: string) => payload(protocol, 'dport');

/** A draw of one of the slots 0 … slots-1. */
export const randomSlot = (slots: number): Expression => ({ numgen: { mode: 'random', mod: slots, offset: 0 } });

/** The slot of 0 … slots-1 that a client's address stands for; another one with another seed. */
export const clientSlot = (family: Family, slots: number, seed: number): Expression => ({
  jhash: { mod: slots, seed, offset: 0, expr: sourceAddress(family) },
});

/** Source and destination address and source port, which follow each other; of IPv6 the last 48 bits of the source, see below. */
const CONNECTION_BITS = { ip: { offset: 96, len: 80 }, ip6: { offset: 144, len: 192 } } as const;

/**
 * The slot of 0 … slots-1 that a connection stands for: its addresses and source port. As bits, since the JSON of nft 1.0.6
 * knows no fields that are put together to be hashed. 24 bytes are the most for which that nft finds registers beside a key.
 * (After IP options, which hardly a packet has, the bits are others; a connection's are the same on each node then, too.)
 */
export const connectionSlot = (family: Family, slots: number, seed: number): Expression => ({
  jhash: { mod: slots, seed, offset: 0, expr: { payload: { base: 'nh', ...CONNECTION_BITS[family] } } },
});
