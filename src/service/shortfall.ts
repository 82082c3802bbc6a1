/**
 * Why something of an object is not served, or not as it asks for. Values of the metric's label and of the control socket's
 * answer; docs/operations.md has a line for each.
 */
export const SHORTFALL_REASONS = [
  /** One Service asks for more elements than one may have: some of its endpoints get no connections. */
  'service-budget',
  /** All Services together ask for more elements than this node has memory for. */
  'total-budget',
  /** Session affinity with so many endpoints that a client's address chooses among them: without timeout. */
  'affinity-by-hash',
  /** More endpoints than can have a number of connections each: they may have any. */
  'max-connections',
  /** An external or load balancer IP that belongs to the cluster or the node. */
  'protected-address',
  /** An external or load balancer IP that no Service can have: loopback, link-local, multicast, … */
  'unusable-address',
  /** A ServiceCIDR that overlaps what is not the Services'. */
  'service-cidr',
  /** An annotation of ours whose value counts for nothing. */
  'annotation',
  /** nft refuses it, or takes too long for it. */
  'quarantined',
] as const;

export type ShortfallReason = (typeof SHORTFALL_REASONS)[number];

/** What a shortfall is about. */
export interface ShortfallSubject {
  readonly kind: 'Service' | 'ServiceCIDR';
  /** "namespace/name"; for a ServiceCIDR "name". */
  readonly key: string;
}

/** That something is not served, or not as asked for. */
export interface Shortfall extends ShortfallSubject {
  readonly reason: ShortfallReason;
  /** What is not served, why, and what to do; without the subject's name: "2,000,003 elements: 25 of 5,000 …". */
  readonly message: string;
}
