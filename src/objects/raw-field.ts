/**
 * A field of what a source has read, undefined where there is none. Names and versions are read in this way and not with a schema:
 * it is done for each of tens of thousands of objects, also for those that have not changed.
 */
export function fieldOf(raw: unknown, name: string): unknown {
  return isRecord(raw) ? raw[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
