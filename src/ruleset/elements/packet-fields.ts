import type { Family } from '../../ip.ts';
import type { Expression } from './statement.ts';

const payload = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });

/** A family's addresses as packet fields. */
export const sourceAddress = (family: Family) => payload(family, 'saddr');
export const destinationAddress = (family: Family) => payload(family, 'daddr');
export const transportProtocol: Expression = { meta: { key: 'l4proto' } };

/** `tcp dport`; `th dport` if the protocol is part of the key. */
export const destinationPort = (protocol: string) => payload(protocol, 'dport');

/** Draws one of the slots 0 … slots-1 at random. */
export const randomSlot = (slots: number): Expression => ({ numgen: { mode: 'random', mod: slots, offset: 0 } });

/** Maps a client's address to one of the slots 0 … slots-1. Another seed gives another slot. */
export const clientSlot = (family: Family, slots: number, seed: number): Expression => ({
  jhash: { mod: slots, seed, offset: 0, expr: sourceAddress(family) },
});

/**
 * The adjoining fields source address, destination address and source port. For IPv6 only the last 48 bits of the source,
 * see below.
 */
const CONNECTION_BITS = { ip: { offset: 96, len: 80 }, ip6: { offset: 144, len: 192 } } as const;

/**
 * Maps a connection (its addresses and source port) to one of the slots 0 … slots-1. It uses bits, because the JSON of nft
 * 1.0.6 cannot hash a concatenation of fields. With a key beside it, that nft finds registers for at most 24 bytes. (After
 * IP options, which hardly any packet has, these are other bits, but still the same ones on each node.)
 */
export const connectionSlot = (family: Family, slots: number, seed: number): Expression => ({
  jhash: { mod: slots, seed, offset: 0, expr: { payload: { base: 'nh', ...CONNECTION_BITS[family] } } },
});
