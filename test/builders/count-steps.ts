import type { Steps } from '../../src/service/steps.ts';

/** Does all of it at once; returns how many steps it took, too. */
export function countSteps<Result>(steps: Steps<Result>): { readonly count: number; readonly result: Result } {
  for (let count = 1; ; count++) {
    const { done, value } = steps.next();
    if (done) return { count, result: value };
  }
}
