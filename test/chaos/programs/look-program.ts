import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../hostile/clock.ts';

/**
 * A program: says when counters of repairs and drift of the daemon in this place rise: "MILLISECONDS NAME VALUE". Says
 * "ready" at once; ends with its stdin.
 */
const METRICS = 'http://127.0.0.1:10249/metrics';
/** Milliseconds. */
const LOOK_EVERY = 250;
const COUNTERS = /^(\S*(?:repairs|drift)_total\S*) (\d+)$/gm;

const known = new Map<string, number>();

async function look(): Promise<void> {
  const response = await fetch(METRICS, { signal: AbortSignal.timeout(5000) });
  for (const [, name = '', value] of (await response.text()).matchAll(COUNTERS)) {
    const count = Number(value);
    if (count > (known.get(name) ?? 0)) process.stdout.write(`${now()} ${name} ${count}\n`);
    known.set(name, count);
  }
}

process.stdout.write('ready\n');
process.stdin.resume().on('end', () => process.exit());
for (;;) {
  // Nobody answers where there is no daemon just now: the next one begins at 0.
  await look().catch(() => known.clear());
  await sleep(LOOK_EVERY);
}
