import { setImmediate } from 'node:timers/promises';
import type { Parts } from '../../objects/fields.ts';

/** Milliseconds of work until all else has its turn. */
const SLICE = 5;

/** Does work of parts; every few milliseconds all else has its turn. Rejects with the signal's reason once it aborts. */
export async function inTurns(work: Parts<void>, signal: AbortSignal): Promise<void> {
  let began = performance.now();
  for (const _part of work) {
    if (performance.now() - began < SLICE) continue;
    await setImmediate();
    signal.throwIfAborted();
    began = performance.now();
  }
}
