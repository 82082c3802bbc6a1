const DECIMAL = /^(0|[1-9]\d*)$/;

/**
 * Whether one resourceVersion is older than another of the same resource; undefined if one is not a decimal number, so
 * nobody can tell. They are revisions of etcd, and may be compared as numbers (KEP-5504, conformance since Kubernetes 1.35).
 * They may be too long for a double.
 */
export function isOlder(version: string, than: string): boolean | undefined {
  if (!DECIMAL.test(version) || !DECIMAL.test(than)) return undefined;
  return version.length === than.length ? version < than : version.length < than.length;
}
