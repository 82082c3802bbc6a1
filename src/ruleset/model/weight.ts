import type { Element } from '../elements/element.ts';
import { CLIENT_SETS } from '../program/objects.ts';

/**
 * What an element costs nft, in elements of a plain map: 10,000 of these take 0.25 s (nft 1.0.6, kernel 6.18, 2 cores).
 *
 * - An interval: 1,000 in one transaction take 0.1 s, 20,000 take 12 s. The cost is quadratic, but only within a
 *   transaction.
 * - An endpoint with session affinity takes 4 to 5 ms, like 50 elements: a set, a chain with two rules, and two rules in the
 *   chain that picks. For each new set, the kernel goes through all sets of the transaction.
 */
export function weightOf({ setOrMap, chain }: Pick<Element, 'setOrMap' | 'chain'>): number {
  if (setOrMap.interval === true) return INTERVAL;
  if (CLIENT_SETS.includes(setOrMap)) return SET;
  return chain === undefined ? 1 : chain.rules.length * RULE;
}

/**
 * What deleting an element costs. `others`: how many elements its set or map has. The kernel searches all of them for an
 * interval (1.5 ms with 20,000).
 */
export function deleteWeightOf(element: Pick<Element, 'setOrMap'>, others: number): number {
  return element.setOrMap.interval === true ? INTERVAL + others / 400 : weightOf(element);
}

const INTERVAL = 10;
const SET = 30;
const RULE = 5;
