/**
 * A field of what a source has read; undefined if there is none. Names and versions are read like this and not with a
 * schema, because it happens for each of tens of thousands of objects, even if they have not changed.
 */
export function fieldOf(raw: unknown, name: string): unknown {
  return isRecord(raw) ? raw[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
