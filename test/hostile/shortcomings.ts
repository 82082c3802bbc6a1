import { ANSWERED_WITHIN } from './case.ts';
import type { CaseResult } from './run-case.ts';

/** Milliseconds. */
const ALLOWED = 1000;

/** What a case must not show, whatever the machine: one line each. */
export function faults({ failure, difference, delay, livez, metrics }: CaseResult): readonly string[] {
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
