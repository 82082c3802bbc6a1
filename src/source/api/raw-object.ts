import { fieldOf } from '../../objects/raw-field.ts';

/** metadata.resourceVersion; empty where there is none. */
export function versionOf(raw: unknown): string {
  const version = fieldOf(fieldOf(raw, 'metadata'), 'resourceVersion');
  return typeof version === 'string' ? version : '';
}

/**
 * What tells one state of an object from all others: its version, and the newest time of its managedFields. The version alone does not, once
 * etcd was restored from a backup: it is given again, then to a write of a later time. Empty without a version.
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
