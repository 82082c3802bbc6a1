import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../service/steps.ts';

/** Milliseconds of work until others have their turn: health checks are answered in between. */
const SLICE = 10;

/** Milliseconds of a turn of the event loop from which on others had something to do in it. */
const BUSY = 1;

/** Milliseconds that all work in slices has taken so far: what of a turn is not for others. */
let worked = 0;

/**
 * Does work of steps in slices of 10 ms. Between two of them others have a turn each, and then further ones as long as they
 * have something to do, for `others` milliseconds at most. For what arrives: the sooner all of it is known, the less is
 * worked out that is changed already.
 */
export async function inSlices<Result>(steps: Steps<Result>, { others = 0 } = {}): Promise<Result> {
  for (;;) {
    const began = performance.now();
    let took = 0;
    for (; took < SLICE; took = performance.now() - began) {
      const { done, value } = steps.next();
      if (done) return value;
    }
    worked += took;
    await letOthersWork(others);
  }
}

async function letOthersWork(most: number): Promise<void> {
  for (let left = most; ; ) {
    const [began, before] = [performance.now(), worked];
    await setImmediate();
    const busy = performance.now() - began - (worked - before);
    left -= busy;
    if (busy < BUSY || left <= 0) return;
  }
}
