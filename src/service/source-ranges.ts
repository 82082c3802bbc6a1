import { disjointCidrs, type Family, networkTester } from '../ip.ts';

/** The source ranges of a Service in one family. */
export interface SourceRanges {
  /** No two of them overlap. */
  readonly ranges: readonly string[];
  /** Whether a canonical address lies in one of them. */
  readonly includes: (address: string) => boolean;
}

/** A Service's list is the same one until the Service changes: its endpoints do so far more often. */
const KNOWN = new WeakMap<readonly string[], Map<Family, SourceRanges>>();

/** Works them out once for each list (loadBalancerSourceRanges): it may have tens of thousands. */
export function sourceRangesOf(list: readonly string[], family: Family): SourceRanges {
  const known = KNOWN.get(list) ?? new Map<Family, SourceRanges>();
  KNOWN.set(list, known);
  const found = known.get(family);
  if (found !== undefined) return found;
  const ranges = disjointCidrs(list, family);
  const made = { ranges, includes: networkTester(ranges) };
  known.set(family, made);
  return made;
}
