import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../service/steps.ts';

/** Milliseconds of work until others have their turn: health checks are answered in between. */
const SLICE = 10;

/** Does work of steps in slices of 10 ms. */
export async function inSlices<Result>(steps: Steps<Result>): Promise<Result> {
  let began = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - began < SLICE) continue;
    await setImmediate();
    began = performance.now();
  }
}
