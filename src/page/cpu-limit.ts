import process from 'node:process';
import type { Steps } from '../service/steps.ts';

/** Work that was stopped because it would take too long. */
export class CpuLimitError extends Error {}

/** Milliseconds that this thread has worked, without the time of others. */
function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * The same steps. `note` is called with the milliseconds of CPU time of each. `spent`: how much this thread has used so far.
 */
export function* measured<Result>(
  steps: Steps<Result>,
  note: (milliseconds: number) => void,
  spent = threadCpu,
): Steps<Result> {
  for (;;) {
    const before = spent();
    const { done, value } = steps.next();
    note(spent() - before);
    if (done) return value;
    yield;
  }
}

/**
 * The same steps, until they have taken this many milliseconds of CPU time together, without the last one.
 * @throws CpuLimitError
 */
export function* withinCpu<Result>(steps: Steps<Result>, milliseconds: number, spent = threadCpu): Steps<Result> {
  let left = milliseconds;
  const within = measured(
    steps,
    (took) => {
      left -= took;
    },
    spent,
  );
  for (;;) {
    const { done, value } = within.next();
    if (done) return value;
    if (left <= 0) throw new CpuLimitError(`it took more than ${milliseconds} ms of CPU time`);
    yield;
  }
}
