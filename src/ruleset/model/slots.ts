import { eachInSteps, endsStep, mapInSteps, type Steps } from '../../service/steps.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { CAPACITIES } from '../program/pick-chain.ts';

/** A slot that a frontend needs no longer. */
export interface LeavingSlot {
  readonly setOrMap: SetOrMap;
  readonly key: string;
  /** What it holds until it is deleted: an endpoint that stays. Absent: it is deleted at once. */
  readonly standIn?: string;
}

/**
 * Gives each wanted endpoint one of the slots 0 … n-1, keeping as many of the current ones in place as possible:
 * adding one endpoint fills one slot, removing one moves the last into its hole.
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

/** The most endpoints one frontend can have. */
export const MAX_ENDPOINTS = CAPACITIES.at(-1) ?? 1;

/**
 * The smallest capacity (a power of two) that holds `endpoints` slots; 1 to MAX_ENDPOINTS. The next larger one stays if it
 * is the `current` one and just its lower half is full: a roll-out of four Pods adds a fifth and removes one, and a
 * verdict that moves makes the kernel check its whole map.
 */
export function capacityFor(endpoints: number, current = 0): number {
  if (current === 2 * endpoints) return current;
  return CAPACITIES.find((capacity) => capacity >= endpoints) ?? MAX_ENDPOINTS;
}
