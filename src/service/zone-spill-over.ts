import type { SliceEndpoint } from '../objects/endpoint-slice.ts';
import { chosenSteps } from './own-share.ts';
import type { Steps } from './steps.ts';
import type { NodePlace } from './topology.ts';

/** What a Service requests with zone-spill-over, for one node. */
export interface ZoneSpillOver {
  /** The annotation's value, in percent of all ready endpoints. */
  readonly percent: number;
  /** Who selects the endpoints elsewhere. The same chooser always selects the same ones. */
  readonly chooser: string;
}

/** How many endpoints in this zone, and elsewhere, a selection by zone uses. */
export interface ZoneShare {
  /** The annotation's value, in percent of all ready endpoints. */
  readonly percent: number;
  /** Ready endpoints in this node's zone, which are all used. */
  readonly near: number;
  /** How many of the ready endpoints elsewhere (`others`) are used. */
  readonly far: number;
  readonly others: number;
}

/** Why the annotation has no effect on this node: its zone is unknown, or none of the ready endpoints has one. */
export interface UnknownZones {
  /** The annotation's value. */
  readonly percent: number;
  readonly unknown: 'node' | 'endpoints';
}

interface Placed {
  readonly entry: Pick<SliceEndpoint, 'address' | 'zone'>;
}

/**
 * The ready endpoints that a node uses with the annotation zone-spill-over. If those in its zone are at least `percent` of
 * all, it uses only them. Otherwise it adds as many others as are missing (rounded up). Which ones depends on the chooser
 * and the endpoints' addresses: each node has its own, and few of them change when endpoints are added or removed. If its
 * zone has none, all are used, as with hints. `endpoints` is absent if zones say nothing: the node's zone, or those of all
 * endpoints, are unknown. An endpoint without a zone is elsewhere.
 */
export function* zoneShareSteps<E extends Placed>(
  ready: readonly E[],
  { zone }: NodePlace,
  { percent, chooser }: ZoneSpillOver,
): Steps<{ readonly endpoints?: readonly E[]; readonly share: ZoneShare | UnknownZones }> {
  if (zone === '') return { share: { percent, unknown: 'node' } };
  if (ready.every(({ entry }) => entry.zone === undefined)) return { share: { percent, unknown: 'endpoints' } };
  const isNear = ({ entry }: E) => entry.zone === zone;
  const others = ready.filter((endpoint) => !isNear(endpoint));
  const near = ready.length - others.length;
  const missing = near === 0 ? others.length : Math.max(0, Math.ceil((ready.length * percent) / 100) - near);
  const far = yield* chosenSteps(others, missing, chooser, ({ entry }) => entry.address);
  const share = { percent, near, far: far.length, others: others.length };
  if (far.length === 0) return { endpoints: ready.filter(isNear), share };
  const kept = new Set(far);
  return { endpoints: ready.filter((endpoint) => isNear(endpoint) || kept.has(endpoint)), share };
}
