import { AFFINITY_ENDPOINTS, AFFINITY_PICKS, AFFINITY_SETS, affinityContainerOf } from './affinity.ts';
import { foundChainElement } from './chain-element.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import { isPickChain, PICK_CHAINS } from './pick-chain.ts';

/**
 * What the model holds besides the elements of the program's sets and maps: chains and sets that come with the Services.
 * In the order they can be added; they are deleted the other way round.
 */
export const OBJECTS: readonly Container[] = [AFFINITY_SETS, AFFINITY_ENDPOINTS, AFFINITY_PICKS, PICK_CHAINS];

/** The kinds of chains among them. */
export const CHAIN_OBJECTS: readonly Container[] = [PICK_CHAINS, AFFINITY_PICKS, AFFINITY_ENDPOINTS];

/** A chain found in the kernel with its rules as nft prints them, as the model holds it; undefined for one of the fixed program. */
export function foundChain(name: string, rules: readonly string[]): Element | undefined {
  const container = isPickChain(name) ? PICK_CHAINS : affinityContainerOf(name);
  return container && foundChainElement(container, name, rules);
}
