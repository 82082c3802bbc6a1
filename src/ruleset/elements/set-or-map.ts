import type { Expression } from './statement.ts';

/** The type of a part of an element's key or value. It determines the text and JSON forms. */
export type FieldType = 'address' | 'protocol' | 'port' | 'slot' | 'cidr';

/** A named set, or a map if it has a value. Sets and maps are part of the fixed program. Only their elements change. */
export interface SetOrMap {
  readonly name: string;
  readonly key: readonly Field[];
  /** Absent for a set. "verdict" for a verdict map. */
  readonly value?: 'verdict' | readonly Field[];
  readonly interval?: true;
  /** For a verdict map: the chains that its elements may go to. The hops follow from these (see hops.ts). */
  readonly targets?: readonly Target[];
  /** Its elements are never deleted, even if nobody wants them. */
  readonly stays?: true;
  /**
   * Each of its elements counts the packets that match it, and has no effect on them. So a missing element is not a
   * difference that matters (see counting.ts).
   */
  readonly counts?: true;
  /** It is not part of the program that identifies a table: it is declared with its first element, and stays. */
  readonly comesLater?: true;
  readonly comment: string;
}

/**
 * Chains that an element may go to: a chain of the fixed program by name, the pick chains with a prefix (`pick` or
 * `localPick` of a FrontendMaps), or those of Services with session affinity.
 */
export type Target = { readonly chain: string } | { readonly picks: string } | 'affinity chains';

/** A part of a key or value: its type, and the packet field that it is compared with (nft's `typeof`). */
export interface Field {
  readonly type: FieldType;
  readonly of: Expression;
}

/** Protocols by nft's names, with their numbers in l4proto (IANA protocol numbers). */
export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
