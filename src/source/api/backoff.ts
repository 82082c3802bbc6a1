import { pauseAfter, spread } from '../../host/backoff.ts';
import type { Settings } from './settings.ts';

/** Refusals after which the waits grow beyond `steadyMs`: an API server that starts refuses for a while what it soon gives. */
const PATIENT_REFUSALS = 15;

/**
 * What is waited for: a server that broke off a watch after it had told of changes, one that does not answer, one that refuses or breaks off
 * at once, or one that does not have an optional resource.
 */
export type Wait = 'cut' | 'outage' | 'refusal' | 'absence';

/**
 * How long to wait, in milliseconds, after the n-th failure in a row (from 1 on): random within [w/2, w], so that nodes spread.
 * After a cut, w is short: changes are missed meanwhile. Where nobody answers, w doubles up to `steadyMs` and stays there: the first change after an outage is not to be late, and an
 * attempt at a server that is away costs it nothing. A server that refuses is asked less and less, up to `backoffMaxMs`.
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
