import type { SliceEndpoint } from '../objects/endpoint-slice.ts';
import { chosenSteps } from './own-share.ts';
import type { Steps } from './steps.ts';
import type { NodePlace } from './topology.ts';

/** What a Service asks for by zone-spill-over, as of one node. */
export interface ZoneSpillOver {
  /** The annotation's value, in percent of all ready endpoints. */
  readonly percent: number;
  /** Whose choice of endpoints elsewhere it is: those with the same chooser have the same one. */
  readonly chooser: string;
}

/** Of how many endpoints in this zone, and elsewhere, a choice by zone made use. */
export interface ZoneShare {
  /** The annotation's value, in percent of all ready endpoints. */
  readonly percent: number;
  /** Ready endpoints in this node's zone: all are used. */
  readonly near: number;
  /** Of the ready endpoints elsewhere (`others`) so many are used. */
  readonly far: number;
  readonly others: number;
}

/** Why the annotation says nothing on this node: its zone is not known, or none of the ready endpoints has one. */
export interface UnknownZones {
  /** The annotation's value. */
  readonly percent: number;
  readonly unknown: 'node' | 'endpoints';
}

interface Placed {
  readonly entry: Pick<SliceEndpoint, 'address' | 'zone'>;
}

/**
 * The ready endpoints that a node uses by the annotation zone-spill-over. Those of its zone alone, as long as they are `percent`
 * of all at least; else so many others with them as are missing to that (rounded up). Which these are depends on the
 * chooser and the endpoints' addresses: each node has its own, and few of them change when endpoints come or go. If its zone has
 * none, all are used, as with hints. `endpoints` is absent where zones say nothing: the node's is unknown, or those of all
 * endpoints are. An endpoint without a zone is elsewhere.
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
