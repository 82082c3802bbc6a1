import { pauseAfter, spread } from '../../host/backoff.ts';
import type { Settings } from './settings.ts';

/**
 * After this many refusals, the waits grow beyond `steadyMs`: an API server that has just started refuses for a while what
 * it will soon allow.
 */
const PATIENT_REFUSALS = 15;

/**
 * Why we wait: the server broke off a watch after it had sent changes; it does not answer; it refuses or breaks off at once;
 * or it does not have an optional resource.
 */
export type Wait = 'cut' | 'outage' | 'refusal' | 'absence';

/**
 * How long to wait, in milliseconds, after the n-th failure in a row (from 1): random within [w/2, w], so that nodes spread.
 * After a cut, w is short, because changes are missed in the meantime. If nobody answers, w doubles up to `steadyMs` and
 * stays there: the first change after an outage should not be late, and attempts cost an absent server nothing. A server
 * that refuses gets fewer and fewer requests, down to one in `backoffMaxMs`.
 */
export function waitMs(wait: Wait, attempt: number, settings: Settings): number {
  const { cutMinMs, cutMaxMs, backoffMinMs, backoffMaxMs, steadyMs, absentMinMs, absentMaxMs } = settings;
  const steady = Math.min(steadyMs, pauseAfter(attempt, { first: 2 * backoffMinMs, most: backoffMaxMs }));
  const widest = {
    cut: pauseAfter(attempt, { first: 2 * cutMinMs, most: cutMaxMs }),
    outage: steady,
    refusal:
      attempt <= PATIENT_REFUSALS
        ? steady
        : pauseAfter(attempt - PATIENT_REFUSALS, { first: 2 * steadyMs, most: backoffMaxMs }),
    absence: pauseAfter(attempt, { first: 2 * absentMinMs, most: absentMaxMs }),
  }[wait];
  return spread(widest);
}
