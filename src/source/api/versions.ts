const DECIMAL = /^(0|[1-9]\d*)$/;

/**
 * Whether one resourceVersion is older than another of the same resource; undefined where one is no decimal number and nobody can say.
 * They are etcd's revisions, and may be compared as numbers (KEP-5504, conformance since Kubernetes 1.35); they may be longer than a double holds.
 */
export function isOlder(version: string, than: string): boolean | undefined {
  if (!DECIMAL.test(version) || !DECIMAL.test(than)) return undefined;
  return version.length === than.length ? version < than : version.length < than.length;
}
