import type { Endpoint } from './endpoints.ts';
import { SLOW_START_STEPS } from './slow-start.ts';
import type { Steps } from './steps.ts';

/**
 * How many slots the endpoints of a draw may have in addition to one for each. This is exact for 82 endpoints with weights
 * from 1 to 100, or for 1,170 of which some start slowly.
 */
export const MAX_WEIGHTED_SLOTS = 8192;

/** The maximum number of slots of a draw: the same as for endpoints without weights. */
const MAX_SLOTS = 65_536;

/** Endpoints to draw from. */
export interface Pool {
  readonly endpoints: readonly Endpoint[];
  /** Elements for each slot: one for each frontend that draws from it. */
  readonly slotWeight: number;
}

/** Endpoints with their weights, and the cost of these. */
export interface Weighed {
  /** The endpoints of each pool. */
  readonly pools: readonly (readonly Endpoint[])[];
  /** Elements in addition to one slot for each endpoint. */
  readonly elements: number;
  /** True if weights are less exact than they could be, because there are not enough elements. */
  readonly isCut: boolean;
}

/** Address → the slow-start step of its endpoint (slow-start.ts), for endpoints that are not at the last step. */
export type SlowStarts = ReadonlyMap<string, number>;

/**
 * Gives each endpoint its weight in a draw: its own weight, times the eighths of its slow start. The weights become small
 * whole numbers: they are divided by their common divisor, and halved until they are within MAX_WEIGHTED_SLOTS and `room`
 * elements. So equal objects always get the same weights, and one more endpoint changes few slots.
 */
export function* weighSteps(pools: readonly Pool[], starts: SlowStarts, room: number): Steps<Weighed> {
  const weighings: Weighing[] = [];
  for (const pool of pools) {
    weighings.push(weighing(pool, starts));
    yield;
  }
  let elements = extraOf(weighings);
  const isCut = elements > Math.max(room, 0);
  while (elements > Math.max(room, 0)) {
    for (const one of weighings) one.divisor *= 2;
    elements = extraOf(weighings);
    yield;
  }
  return { pools: weighings.map((one) => endpointsOf(one, starts)), elements, isCut };
}

interface Weighing {
  readonly pool: Pool;
  /** The weight of each endpoint; undefined: all are equal. */
  readonly weights: readonly number[] | undefined;
  /** Whether the weights include slow start. */
  readonly isStarting: boolean;
  /** The divisor of all weights: a power of two. */
  divisor: number;
}

function weighing(pool: Pool, starts: SlowStarts): Weighing {
  const one: Weighing = { pool, ...weightsOf(pool.endpoints, starts), divisor: 1 };
  const count = pool.endpoints.length;
  const most = Math.max(count, Math.min(count + MAX_WEIGHTED_SLOTS, MAX_SLOTS));
  while (slotsOf(one) > most) one.divisor *= 2;
  return one;
}

function weightsOf(endpoints: readonly Endpoint[], starts: SlowStarts): Pick<Weighing, 'weights' | 'isStarting'> {
  let common = 0;
  for (const { weight = 1 } of endpoints) common = divisorOf(weight, common);
  const stepOf = ({ address }: Endpoint) => starts.get(address) ?? SLOW_START_STEPS;
  const [first] = endpoints;
  // If all endpoints are at the same step, like those of a new Service, it makes no difference.
  const isStarting =
    starts.size > 0 && first !== undefined && endpoints.some((endpoint) => stepOf(endpoint) !== stepOf(first));
  const weights = endpoints.map((endpoint) => ((endpoint.weight ?? 1) / common) * (isStarting ? stepOf(endpoint) : 1));
  const areEqual = weights.every((weight) => weight === weights[0]);
  return { weights: areEqual ? undefined : weights, isStarting };
}

/** The largest number that divides both. Every number divides 0. */
function divisorOf(a: number, b: number): number {
  return b === 0 ? a : divisorOf(b, a % b);
}

function countOf(weight: number, divisor: number): number {
  return Math.max(1, Math.round(weight / divisor));
}

function slotsOf({ pool, weights, divisor }: Weighing): number {
  if (weights === undefined) return pool.endpoints.length;
  let slots = 0;
  for (const weight of weights) slots += countOf(weight, divisor);
  return slots;
}

function extraOf(weighings: readonly Weighing[]): number {
  let extra = 0;
  for (const one of weighings) extra += (slotsOf(one) - one.pool.endpoints.length) * one.pool.slotWeight;
  return extra;
}

function endpointsOf({ pool, weights, divisor, isStarting }: Weighing, starts: SlowStarts): readonly Endpoint[] {
  return pool.endpoints.map(({ weight: _, ...endpoint }, i) => {
    const count = weights === undefined ? 1 : countOf(weights[i] ?? 1, divisor);
    const slowStart = isStarting ? starts.get(endpoint.address) : undefined;
    return { ...endpoint, ...(count > 1 && { weight: count }), ...(slowStart !== undefined && { slowStart }) };
  });
}
