import { foundChainElement } from '../elements/chain-element.ts';
import type { Element } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { AFFINITY_ENDPOINTS, AFFINITY_PICKS, AFFINITY_SETS, affinityKindOf } from './affinity.ts';
import { isLimitChain, LIMIT_CHAINS, LIMIT_COUNTERS, LIMIT_SETS } from './limits.ts';
import { isRangeCheck, LATER_SETS, RANGE_CHECKS } from './node-port-ranges.ts';
import { isPickChain, PICK_CHAINS } from './pick-chain.ts';
import type { Program } from './program.ts';

/**
 * What the model holds besides the elements of the program's sets and maps: chains and sets that are added with Services. In
 * the order in which they can be added; they are deleted in reverse order.
 */
export const OBJECTS: readonly SetOrMap[] = [
  LIMIT_COUNTERS,
  LIMIT_SETS,
  AFFINITY_SETS,
  AFFINITY_ENDPOINTS,
  AFFINITY_PICKS,
  PICK_CHAINS,
  LATER_SETS,
  RANGE_CHECKS,
  LIMIT_CHAINS,
];

/** The kinds of chains among them. */
export const CHAIN_OBJECTS: readonly SetOrMap[] = [
  PICK_CHAINS,
  AFFINITY_PICKS,
  AFFINITY_ENDPOINTS,
  RANGE_CHECKS,
  LIMIT_CHAINS,
];

/** Sets that packets fill: of clients with session affinity, and of clients with a limit. */
export const CLIENT_SETS: readonly SetOrMap[] = [AFFINITY_SETS, LIMIT_SETS];

/** The kind of a chain among these, by its name; undefined for a chain of the fixed program. */
export function chainKindOf(name: string): SetOrMap | undefined {
  if (isPickChain(name)) return PICK_CHAINS;
  if (isLimitChain(name)) return LIMIT_CHAINS;
  return isRangeCheck(name) ? RANGE_CHECKS : affinityKindOf(name);
}

/**
 * A chain found in the kernel, with its rules as nft prints them, as the model holds it; undefined for a chain of the fixed
 * program.
 */
export function foundChain(name: string, rules: readonly string[]): Element | undefined {
  const setOrMap = chainKindOf(name);
  return setOrMap && foundChainElement(setOrMap, name, rules);
}

/** An element found in the kernel. A chain that all Services share gets its rules, if they are as they were written. */
export function knownElement({ picks, rangeCheck: { chain } }: Program, found: Element): Element {
  if (found.setOrMap !== RANGE_CHECKS) return picks.known(found);
  return found.key === chain.key && found.value === chain.value ? chain : found;
}
