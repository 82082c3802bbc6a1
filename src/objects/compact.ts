/** Ways to store a cluster's objects in little memory: there are tens of thousands of Services and slices. */

const NONE: readonly never[] = [];

/**
 * The same items in an array without spare room (V8 gives a list made by filter or push room for 17). All empty arrays are
 * one object.
 */
export function packed<T>(items: readonly T[]): readonly T[] {
  return items.length === 0 ? NONE : items.slice();
}

/** More than the nodes, zones and namespaces of a large cluster. Beyond it, sharing starts again. */
const MAX_SHARED = 20_000;

const shared = new Map<string, string>();

/**
 * Returns the same string object for equal strings. For names that many objects have, such as those of nodes and namespaces.
 */
export function sharedName(name: string): string {
  const known = shared.get(name);
  if (known !== undefined) return known;
  if (shared.size >= MAX_SHARED) shared.clear();
  shared.set(name, name);
  return name;
}

/** Joins the parts of a key into a flat string. For a template, V8 would keep the pieces as well as the whole. */
export function joined(separator: string, ...parts: readonly (string | number)[]): string {
  return parts.join(separator);
}
