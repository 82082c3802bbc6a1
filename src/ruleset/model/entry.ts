import type { Chain } from '../elements/chain.ts';
import type { Element } from '../elements/element.ts';

/** An element of the model, and who wants it. */
export interface Entry extends Element {
  value: string;
  comment: string;
  chain?: Chain;
  /** How many Services (and settings) want it. 0: found in the kernel and not referenced yet, or on its way out. */
  references: number;
  /** Number of the transaction it is deleted with, while nobody wants it; or one of the two below. */
  goesWith: number;
  /** True if nft refused it: the model wants it, the kernel does not have it. */
  refused?: true;
}

/** An element that is not on its way out. */
export const REMAINS = -1;

/** An element that is out of the model for good: one that comes again is another object. */
export const GONE = -2;

/** An element that nobody wants yet. All are of one shape, without room for more: there is one for every endpoint of the cluster. */
export function unreferenced({ setOrMap, key, value, comment, chain }: Element): Entry {
  const entry: Entry = { setOrMap, key, value, comment, references: 0, goesWith: REMAINS };
  if (chain !== undefined) entry.chain = chain;
  return entry;
}

/** Those that nobody wants and that nothing has been done about. */
export function unreferencedOf(elements: Iterable<Entry>): readonly Entry[] {
  return [...elements].filter(isUnreferenced);
}

export function isUnreferenced({ references, goesWith }: Entry): boolean {
  return references === 0 && goesWith === REMAINS;
}
