import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds. Far beyond what anything here takes, so that only a real fault meets it. */
const LIMIT = 60_000;
const LOOK_EVERY = 10;

/** Waits until a condition holds. `describe` says what there was instead, if it never does. */
export async function eventually(condition: () => boolean, describe: () => string): Promise<void> {
  const end = performance.now() + LIMIT;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`it did not come about within ${LIMIT / 1000} s: ${describe()}`);
    await delay(LOOK_EVERY);
  }
}
