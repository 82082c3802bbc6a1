import type { Chain } from '../elements/chain.ts';
import type { Element } from '../elements/element.ts';

/** An element of the model, and how many want it. */
export interface Entry extends Element {
  value: string;
  comment: string;
  chain?: Chain;
  /** How many Services (and settings) want it. 0: found in the kernel and not yet referenced, or waiting to be deleted. */
  references: number;
  /** The number of the transaction that deletes it, while nobody wants it; or one of the two constants below. */
  goesWith: number;
  /** True if nft refused it: the model wants it, but the kernel does not have it. */
  refused?: true;
}

/** The element stays. */
export const REMAINS = -1;

/** The element is out of the model for good. If it comes again, that is another object. */
export const GONE = -2;

/**
 * An element that nobody wants yet. All have the same shape, and no room for more properties: there is one for every
 * endpoint of the cluster.
 */
export function unreferenced({ setOrMap, key, value, comment, chain }: Element): Entry {
  const entry: Entry = { setOrMap, key, value, comment, references: 0, goesWith: REMAINS };
  if (chain !== undefined) entry.chain = chain;
  return entry;
}

/** Elements that nobody wants and that are not yet scheduled to be deleted. */
export function unreferencedOf(elements: Iterable<Entry>): readonly Entry[] {
  return [...elements].filter(isUnreferenced);
}

export function isUnreferenced({ references, goesWith }: Entry): boolean {
  return references === 0 && goesWith === REMAINS;
}
