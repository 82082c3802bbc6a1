import { sortedSteps } from './sorted-steps.ts';
import { mapInSteps, type Steps } from './steps.ts';
import { textHash } from './text-hash.ts';

/**
 * Selects `limit` of the items, in their order. The selection does not depend on the order of the items. Each chooser (a
 * node, by its name) has its own, so that all choosers together use all items.
 */
export function chosen<T>(
  items: readonly T[],
  limit: number,
  chooser: string,
  keyOf: (item: T) => string,
): readonly T[] {
  if (items.length <= limit) return items;
  if (limit <= 0) return [];
  const ranked = items.map((item) => rankedItem(item, chooser, keyOf));
  return firstOf(items, ranked.toSorted(byRank), limit);
}

/** The same in steps. */
export function* chosenSteps<T>(
  items: readonly T[],
  limit: number,
  chooser: string,
  keyOf: (item: T) => string,
): Steps<readonly T[]> {
  if (items.length <= limit) return items;
  if (limit <= 0) return [];
  const ranked = yield* mapInSteps(items, (item) => rankedItem(item, chooser, keyOf));
  return firstOf(items, yield* sortedSteps(ranked, byRank), limit);
}

interface Ranked<T> {
  readonly item: T;
  readonly key: string;
  readonly rank: number;
}

function rankedItem<T>(item: T, chooser: string, keyOf: (item: T) => string): Ranked<T> {
  const key = keyOf(item);
  return { item, key, rank: textHash(`${chooser} ${key}`) };
}

function byRank(a: Ranked<unknown>, b: Ranked<unknown>): number {
  return a.rank - b.rank || (a.key < b.key ? -1 : Number(a.key > b.key));
}

function firstOf<T>(items: readonly T[], ranked: readonly Ranked<T>[], limit: number): readonly T[] {
  const kept = new Set(ranked.slice(0, limit).map(({ item }) => item));
  return items.filter((item) => kept.has(item));
}
