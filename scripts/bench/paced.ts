import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks at what is due. */
const TICK = 5;

/**
 * Calls `act` with 0 … count-1, `rate` times a second, each with the time (performance.now()) it was due: what is late
 * because this process was busy is made up for, and counts as late.
 */
export async function paced(count: number, rate: number, act: (i: number, due: number) => void): Promise<void> {
  const started = performance.now();
  let next = 0;
  while (next < count) {
    const due = Math.min(count, dueBy(performance.now() - started, rate));
    for (; next < due; next++) act(next, started + (next / rate) * 1000);
    if (next < count) await sleep(TICK);
  }
}

/** How many of a series are due after so many milliseconds; the first one is at once. */
export function dueBy(milliseconds: number, rate: number): number {
  return Math.floor((milliseconds / 1000) * rate) + 1;
}
