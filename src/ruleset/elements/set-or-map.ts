import type { Expression } from './statement.ts';

/** What one part of an element's key or value is; decides its text and JSON forms. */
export type FieldType = 'address' | 'protocol' | 'port' | 'slot' | 'cidr';

/** A named set, or a map if it has a value. Sets and maps are part of the fixed program; only elements come and go. */
export interface SetOrMap {
  readonly name: string;
  readonly key: readonly Field[];
  /** Absent for a set. "verdict" for a verdict map. */
  readonly value?: 'verdict' | readonly Field[];
  readonly interval?: true;
  /** Of a verdict map: the chains its elements may go to. From these follow the hops (see hops.ts). */
  readonly targets?: readonly Target[];
  /** Its elements are never deleted, whoever wants them. */
  readonly stays?: true;
  /**
   * Each of its elements counts the packets that it is found by, and nothing follows from it for them: what is missing of it
   * is no difference that matters (see counting.ts).
   */
  readonly counts?: true;
  /** It is no part of the program that tables are known by: it is declared with its first element, and stays. */
  readonly comesLater?: true;
  readonly comment: string;
}

/**
 * Chains that an element may go to: one of the fixed program by its name, the pick chains with a prefix (`pick` or
 * `localPick` of an FrontendMaps), or those of Services with session affinity.
 */
export type Target = { readonly chain: string } | { readonly picks: string } | 'affinity chains';

/** One part of a key or value: its type, and the packet field it is compared with (nft's `typeof`). */
export interface Field {
  readonly type: FieldType;
  readonly of: Expression;
}

/** Protocols by nft's names, as l4proto has them (IANA protocol numbers). */
export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
