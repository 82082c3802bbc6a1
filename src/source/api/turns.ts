import { setImmediate } from 'node:timers/promises';
import type { Parts } from '../../objects/fields.ts';

/** Milliseconds of work until everything else gets a turn. */
const SLICE = 3;

/**
 * Does work in parts. Every few milliseconds everything else gets a turn. Rejects with the signal's reason once it aborts.
 */
export async function inTurns(work: Parts<void>, signal: AbortSignal): Promise<void> {
  let began = performance.now();
  for (const _part of work) {
    if (performance.now() - began < SLICE) continue;
    await setImmediate();
    signal.throwIfAborted();
    began = performance.now();
  }
}
