import type { Chain } from './chain.ts';
import type { SetOrMap } from './set-or-map.ts';

/**
 * An element of a set or map. Key and value are in nft's text form with canonical addresses ("10.96.0.12 . tcp . 3306",
 * "goto pick-tcp-1"), so equal elements are equal strings.
 */
export interface Element {
  readonly setOrMap: SetOrMap;
  readonly key: string;
  /** Empty for elements of a set. */
  readonly value: string;
  /** At most MAX_COMMENT characters; empty if there is none. */
  readonly comment: string;
  /** For elements that are chains of their own in nft (see affinity.ts): the rules. Unknown for one that was just found. */
  readonly chain?: Chain;
}

/** The key of an element for all keys without an element of their own. None of ours is one, but others can add it. */
export const ALL_OTHERS = '*';

/** nft's text form refuses longer comments, but its JSON form does not. The host could then not load its saved rules. */
const MAX_COMMENT = 128;

/** Cuts a comment to a length that nft can read. */
export function commentOf(text: string): string {
  return text.length <= MAX_COMMENT ? text : `${text.slice(0, MAX_COMMENT - 3)}...`;
}

/** The separator in nft between the parts of a key or value. */
export const SEPARATOR = ' . ';

/** The text form of a key or value of several parts. */
export function concat(...parts: readonly (string | number)[]): string {
  return parts.join(SEPARATOR);
}

/** The parts of such a text. */
export function parts(text: string): readonly string[] {
  return text.split(SEPARATOR);
}
