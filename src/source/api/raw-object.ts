/**
 * A field of what a server sent, undefined where there is none. Names and versions are read in this way and not with a schema:
 * it is done for each of tens of thousands of objects, also for those that have not changed.
 */
export function fieldOf(raw: unknown, name: string): unknown {
  return isRecord(raw) ? raw[name] : undefined;
}

/** metadata.resourceVersion; empty where there is none. */
export function versionOf(raw: unknown): string {
  const version = fieldOf(fieldOf(raw, 'metadata'), 'resourceVersion');
  return typeof version === 'string' ? version : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
