import type { Endpoint } from './endpoints.ts';
import { SLOW_START_STEPS } from './slow-start.ts';
import type { Steps } from './steps.ts';

/**
 * So many slots the endpoints of one draw may have, beside one for each: 82 endpoints with weights between 1 and 100, or
 * 1,170 of which some begin slowly, have theirs exactly.
 */
export const MAX_WEIGHTED_SLOTS = 8192;

/** What a draw can have in all: as many as endpoints without weights. */
const MAX_SLOTS = 65_536;

/** Endpoints of which one is drawn. */
export interface Pool {
  readonly endpoints: readonly Endpoint[];
  /** Elements that each slot takes: one for each frontend that draws from it. */
  readonly slotWeight: number;
}

/** Endpoints with what they count for, and what that takes. */
export interface Weighed {
  /** For each pool its endpoints. */
  readonly pools: readonly (readonly Endpoint[])[];
  /** Elements beside one slot for each endpoint. */
  readonly elements: number;
  /** True if weights are less exact than they could be, for want of elements. */
  readonly isCut: boolean;
}

/** Address → at which step of slow start its endpoint is (slow-start.ts), for those that are not at the last. */
export type SlowStarts = ReadonlyMap<string, number>;

/**
 * Gives each endpoint what it counts for where one is drawn: its weight, and with slow start so many eighths of that. As
 * small whole numbers: by their common divisor, and where they are more than MAX_WEIGHTED_SLOTS allows, or take more than
 * `room` elements, halved until they are not. So equal objects always get the same, and few slots change with one endpoint.
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
  /** For each endpoint what it counts for; undefined: all count for the same. */
  readonly weights: readonly number[] | undefined;
  /** Whether slow start is in the weights. */
  readonly isStarting: boolean;
  /** What all are divided by: a power of two. */
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
  // Where all are at the same step, as those of a new Service are, it makes no difference.
  const isStarting =
    starts.size > 0 && first !== undefined && endpoints.some((endpoint) => stepOf(endpoint) !== stepOf(first));
  const weights = endpoints.map((endpoint) => ((endpoint.weight ?? 1) / common) * (isStarting ? stepOf(endpoint) : 1));
  const areEqual = weights.every((weight) => weight === weights[0]);
  return { weights: areEqual ? undefined : weights, isStarting };
}

/** The largest number that divides both; 0 is divided by all. */
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
