import process from 'node:process';

/** Milliseconds since the machine started: one clock for all processes of a run. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
