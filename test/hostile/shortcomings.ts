import { ANSWERED_WITHIN } from './case.ts';
import type { CaseResult } from './run-case.ts';

/** Milliseconds. */
const ALLOWED = 1000;

/**
 * MiB for the daemon and its nft processes: the MemoryMax that the rule of docs/operations.md gives for the largest number of
 * Services in a case, 10,000 in one family. It is twice what a start of this size needs: 100, and 18 for each 1,000 Services.
 */
export const MEMORY = 2 * (100 + 18 * 10);

/** What a case must not show, whatever the machine: one line each. */
export function faults({ failure, difference, delay, livez, metrics, peakMemory }: CaseResult): readonly string[] {
  return [
    ...(failure === undefined ? [] : [failure]),
    ...(failure !== undefined || difference === undefined
      ? []
      : [`the kernel is not as the model says: ${difference}`]),
    ...(failure !== undefined || Number.isFinite(delay.max) ? [] : ['a change of the bystander never came into force']),
    ...(failure !== undefined || livez.unanswered === 0
      ? []
      : [`${livez.unanswered} requests to /livez had no answer`]),
    ...(failure !== undefined || (metrics?.unanswered ?? 0) === 0
      ? []
      : [`${metrics?.unanswered} requests for metrics had no answer`]),
    ...(failure !== undefined || peakMemory > 0 ? [] : ['the memory of the daemon was not measured']),
    ...(peakMemory > MEMORY ? [`the daemon and nft took ${peakMemory.toFixed(0)} MiB of at most ${MEMORY}`] : []),
  ];
}

/** The same, and what it must not show on a machine that has nothing else to do. */
export function shortcomings(result: CaseResult): readonly string[] {
  const { delay, livez, metrics, answeredWithin } = result;
  return [
    ...faults(result),
    ...(Number.isFinite(delay.p99) && delay.p99 > ALLOWED
      ? [`the bystander waited ${delay.p99.toFixed(0)} ms (p99)`]
      : []),
    ...(livez.longest > answeredWithin ? [`/livez took up to ${livez.longest.toFixed(0)} ms`] : []),
    ...((metrics?.longest ?? 0) > ANSWERED_WITHIN ? [`metrics took up to ${metrics?.longest.toFixed(0)} ms`] : []),
  ];
}
