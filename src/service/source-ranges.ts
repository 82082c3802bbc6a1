import type { Family } from '../ip.ts';
import { type DisjointCidrs, disjointSteps } from './disjoint-cidrs.ts';
import type { Steps } from './steps.ts';

/** A Service's list stays the same object until the Service changes. Its endpoints change far more often. */
const KNOWN = new WeakMap<readonly string[], Map<Family, DisjointCidrs>>();

/** The source ranges of a Service in one family, computed once for each list (loadBalancerSourceRanges). */
export function* sourceRangeSteps(list: readonly string[], family: Family): Steps<DisjointCidrs> {
  const found = KNOWN.get(list)?.get(family);
  if (found !== undefined) return found;
  const made = yield* disjointSteps(list, family);
  const known = KNOWN.get(list) ?? new Map<Family, DisjointCidrs>();
  KNOWN.set(list, known.set(family, made));
  return made;
}
