/** Ways to hold a cluster's objects in little memory: there are tens of thousands of Services and slices. */

const NONE: readonly never[] = [];

/** The same items in an array without room to grow (V8 gives a list made by filter or push room for 17); empty ones are one. */
export function packed<T>(items: readonly T[]): readonly T[] {
  return items.length === 0 ? NONE : items.slice();
}

/** More names of nodes, zones and namespaces than large clusters have. Past it sharing begins anew. */
const MAX_SHARED = 20_000;

const shared = new Map<string, string>();

/** One string for all equal ones. For names that many objects have, such as their node's or their namespace's. */
export function sharedName(name: string): string {
  const known = shared.get(name);
  if (known !== undefined) return known;
  if (shared.size >= MAX_SHARED) shared.clear();
  shared.set(name, name);
  return name;
}

/** Joins parts of a key. Unlike a template's, the string is in one piece: V8 keeps the pieces of a template beside the whole. */
export function joined(separator: string, ...parts: readonly (string | number)[]): string {
  return parts.join(separator);
}
