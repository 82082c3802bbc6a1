import { eachInSteps, endsStep, mapInSteps, type Steps } from '../../service/steps.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { CAPACITIES } from '../program/pick-chain.ts';

/** A slot that a frontend no longer needs. */
export interface LeavingSlot {
  readonly setOrMap: SetOrMap;
  readonly key: string;
  /** Its content until it is deleted: an endpoint that stays. Absent: it is deleted at once. */
  readonly standIn?: string;
}

/**
 * Gives each wanted endpoint one of the slots 0 … n-1, and keeps as many as possible in place: adding an endpoint fills one
 * slot, and removing one moves the last endpoint into its slot.
 */
export function* assignSlots(current: readonly string[], wanted: readonly string[]): Steps<readonly string[]> {
  if (current.length === 0) return wanted;
  const missing = new Set<string>();
  yield* eachInSteps(wanted, (endpoint) => missing.add(endpoint));
  const slots: (string | undefined)[] = new Array(wanted.length).fill(undefined);
  for (let slot = 0; slot < Math.min(current.length, wanted.length); slot++) {
    const endpoint = current[slot];
    if (endpoint !== undefined && missing.delete(endpoint)) slots[slot] = endpoint;
    if (endsStep(slot)) yield;
  }
  const unplaced = missing.values();
  return yield* mapInSteps(slots, (endpoint) => endpoint ?? unplaced.next().value ?? '');
}

/** The maximum number of endpoints of a frontend. */
export const MAX_ENDPOINTS = CAPACITIES.at(-1) ?? 1;

/**
 * The smallest capacity (a power of two) for `endpoints` slots, from 1 to MAX_ENDPOINTS. The next larger capacity stays if
 * it is the `current` one and exactly its lower half is full. During a rollout of four Pods, a fifth is added and one is
 * removed, and each change of a verdict makes the kernel check its whole map.
 */
export function capacityFor(endpoints: number, current = 0): number {
  if (current === 2 * endpoints) return current;
  return CAPACITIES.find((capacity) => capacity >= endpoints) ?? MAX_ENDPOINTS;
}
