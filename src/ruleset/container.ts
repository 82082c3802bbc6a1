import type { Family } from '../ip.ts';
import type { Expression } from './nft-json.ts';

/** What one part of an element's key or value is; decides its text and JSON forms. */
export type FieldType = 'address' | 'protocol' | 'port' | 'slot' | 'cidr';

/** A named set, or a map if it has a value. Containers are part of the fixed program; only elements come and go. */
export interface Container {
  readonly name: string;
  readonly key: readonly Field[];
  /** Absent for a set. "verdict" for a verdict map. */
  readonly value?: 'verdict' | readonly Field[];
  readonly interval?: true;
  /**
   * True for the verdict maps by which a packet comes to a frontend. An element that goes is deleted from these at
   * once, and from whatever they lead to one transaction later, since a packet may still be on its way there.
   */
  readonly dispatch?: true;
  readonly comment: string;
}

/** One part of a key or value: its type, and the packet field it is compared with (nft's `typeof`). */
export interface Field {
  readonly type: FieldType;
  readonly of: Expression;
}

/** Protocols by nft's names, as l4proto has them (IANA protocol numbers). */
export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

const payload = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });

/** A family's addresses as packet fields. */
export const sourceAddress = (family: Family) => payload(family, 'saddr');
export const destinationAddress = (family: Family) => payload(family, 'daddr');
export const transportProtocol: Expression = { meta: { key: 'l4proto' } };

/** `tcp dport`; `th dport` where the protocol is part of the key. */
export const destinationPort = (protocol: string) => payload(protocol, 'dport');

/** A draw of one of the slots 0 … slots-1. */
export const randomSlot = (slots: number): Expression => ({ numgen: { mode: 'random', mod: slots, offset: 0 } });

/** The map that holds a protocol's endpoints: frontend and slot → endpoint. */
export function endpointsMap(protocol: string): string {
  return `endpoints-${protocol}`;
}

/** Every set and map of a family's table, in the order they are declared. */
export function containersOf(family: Family): readonly Container[] {
  const address: Field = { type: 'address', of: destinationAddress(family) };
  const source: Field = { type: 'address', of: sourceAddress(family) };
  const frontend: readonly Field[] = [
    address,
    { type: 'protocol', of: transportProtocol },
    { type: 'port', of: destinationPort('th') },
  ];
  return [
    {
      name: 'services',
      key: frontend,
      value: 'verdict',
      dispatch: true,
      comment: 'frontend → how to pick an endpoint',
    },
    { name: 'no-endpoints', key: frontend, value: 'verdict', dispatch: true, comment: 'frontends without endpoints' },
    { name: 'cluster-ips', key: [address], comment: 'ClusterIPs of all Services' },
    { name: 'hairpin', key: [source, address], comment: 'endpoints of this node that may reach themselves' },
    {
      name: 'pod-cidrs',
      key: [{ ...source, type: 'cidr' }],
      interval: true,
      comment: 'sources that keep their address',
    },
    ...PROTOCOLS.map(
      (protocol): Container => ({
        name: endpointsMap(protocol),
        // The draw's modulus is no part of the type: nft only wants an expression of that type here.
        key: [address, { type: 'port', of: destinationPort(protocol) }, { type: 'slot', of: randomSlot(2) }],
        value: [address, { type: 'port', of: destinationPort(protocol) }],
        comment: `frontend and slot → endpoint, ${protocol.toUpperCase()}`,
      }),
    ),
  ];
}
