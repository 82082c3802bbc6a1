/**
 * Why a part of an object is not served, or not as specified. These are values of the metric's label and of the control
 * socket's answer. docs/operations.md has a line for each.
 */
export const SHORTFALL_REASONS = [
  /** A Service requests more elements than one may have: some of its endpoints get no connections. */
  'service-budget',
  /** All Services together request more elements than this node has memory for. */
  'total-budget',
  /** Session affinity with too many endpoints, so a client's address selects its endpoint, without a timeout. */
  'affinity-by-hash',
  /** Too many endpoints for a limit of connections for each, so they have no limit. */
  'max-connections',
  /** An external or load balancer IP that belongs to the cluster or the node. */
  'protected-address',
  /** An external or load balancer IP that no Service can have: loopback, link-local, multicast, … */
  'unusable-address',
  /** A ServiceCIDR that overlaps addresses that do not belong to Services. */
  'service-cidr',
  /** One of our annotations, whose value has no effect. */
  'annotation',
  /** nft refuses it, or takes too long. */
  'quarantined',
] as const;

export type ShortfallReason = (typeof SHORTFALL_REASONS)[number];

/** The subject of a shortfall. */
export interface ShortfallSubject {
  readonly kind: 'Service' | 'ServiceCIDR';
  /** "namespace/name"; for a ServiceCIDR "name". */
  readonly key: string;
}

/** Something is not served, or not as specified. */
export interface Shortfall extends ShortfallSubject {
  readonly reason: ShortfallReason;
  /** What is not served, why, and what to do; without the subject's name: "2,000,003 elements: 25 of 5,000 …". */
  readonly message: string;
}
