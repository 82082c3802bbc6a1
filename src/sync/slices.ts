import { setImmediate } from 'node:timers/promises';

/** Work that can stop between two steps; each takes a few milliseconds at most. */
export type Steps<Result> = Generator<undefined, Result>;

/** Milliseconds of work until others have their turn: health checks are answered in between. */
const SLICE = 10;

/** Does all of it at once. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does it in slices of 10 ms. */
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
