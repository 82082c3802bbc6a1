import { fieldOf } from '../../objects/raw-field.ts';

/** metadata.resourceVersion; empty if there is none. */
export function versionOf(raw: unknown): string {
  const version = fieldOf(fieldOf(raw, 'metadata'), 'resourceVersion');
  return typeof version === 'string' ? version : '';
}

/**
 * Distinguishes a state of an object from all others: its version, and the newest time in its managedFields. After a restore
 * of etcd from a backup, the version alone is not enough: it is used again, for a write at a later time. Empty without a
 * version.
 */
export function stateOf(raw: unknown): string {
  const version = versionOf(raw);
  const managed = fieldOf(fieldOf(raw, 'metadata'), 'managedFields');
  if (version === '' || !Array.isArray(managed)) return version;
  let newest = '';
  for (const entry of managed) {
    const time = fieldOf(entry, 'time');
    if (typeof time === 'string' && time > newest) newest = time;
  }
  return `${version} ${newest}`;
}
