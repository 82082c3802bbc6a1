import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Steps } from '../service/steps.ts';

/** Milliseconds of work until others get a turn. Health checks are answered in between. */
const SLICE = 5;

/** Milliseconds. If a turn of the event loop takes this long, others had something to do in it. */
const BUSY = 1;

/** Milliseconds that all work in slices has taken so far. The rest of a turn is for others. */
let worked = 0;

/** The same at the start of the first slice in this turn of the event loop; undefined: there was none. */
let workedBefore: number | undefined;

/**
 * Does work of steps in slices of 5 ms. Between two of them others have a turn each, and then further ones as long as they
 * have something to do, for `others` milliseconds at most. For what arrives: the sooner all of it is known, the less is
 * worked out that is changed already. Works that follow each other within one turn have one slice together.
 */
export async function inSlices<Result>(steps: Steps<Result>, { others = 0 } = {}): Promise<Result> {
  if (worked - (workedBefore ?? worked) >= SLICE) await letOthersWork(others);
  for (;;) {
    noteTurn();
    const began = performance.now();
    let took = 0;
    while (took < SLICE) {
      const { done, value } = steps.next();
      took = performance.now() - began;
      if (!done) continue;
      worked += took;
      return value;
    }
    worked += took;
    await letOthersWork(others);
  }
}

function noteTurn(): void {
  if (workedBefore !== undefined) return;
  workedBefore = worked;
  setImmediate(() => {
    workedBefore = undefined;
  });
}

/**
 * Lets others have a turn, and then further ones as long as they have something to do, for `most` milliseconds at most. A
 * health check takes three turns: its connection, its request, and its answer.
 */
export async function letOthersWork(most: number): Promise<void> {
  for (let left = most; ; ) {
    const [began, before] = [performance.now(), worked];
    await nextTurn();
    const busy = performance.now() - began - (worked - before);
    left -= busy;
    if (busy < BUSY || left <= 0) return;
  }
}
