import assert from 'node:assert/strict';
import type { Wait } from '../../../src/source/api/backoff.ts';
import type { Effect, Outcome } from '../../../src/source/api/decide.ts';
import { ApiFailure, broken, type Reason } from '../../../src/source/api/failure.ts';
import { NotStreamed } from '../../../src/source/api/initial-events.ts';
import { firstPhase, type Phase, type Step } from '../../../src/source/api/phase.ts';
import { resourcesFor } from '../../../src/source/api/resources.ts';

/** Phases, failures and effects that tests of a reflector's decisions are made of. */

const [services, slices, , cidrs] = resourcesFor('node-a');
assert.ok(services && slices && cidrs);
/** Services have a field selector that may be unknown, slices have nothing special, ServiceCIDRs are optional. */
export const SERVICES = firstPhase(services);
export const CIDRS = firstPhase(cidrs);
export const START = firstPhase(slices);
export const WATCHING: Phase = { ...START, version: '100', seen: '100' };
export const OPTIONAL: Phase = { ...CIDRS, version: '100', seen: '100' };

export const answer = (status: number, reason?: Reason, retryAfterMs = 0) =>
  new ApiFailure('E_API_UNREACHABLE', `answers ${status}`, { status, reason, retryAfterMs });
export const NOBODY = new ApiFailure('E_API_UNREACHABLE', 'refused', { reason: 'nobody' });
export const TLS = new ApiFailure('E_API_UNREACHABLE', 'bad certificate');
export const CUT = broken('https://api', 'cut');
export const AHEAD = broken('https://api', 'older than ours', { reason: 'ahead' });
export const TOO_LONG = broken('https://api', 'too long', { reason: 'unreadable' });
export const GONE = answer(410);
export const IGNORED = new NotStreamed('https://api', 'endpointslices', 'silence');

export const failed = (step: Step, failure: ApiFailure, opened = false): Outcome => ({
  what: 'failed',
  step,
  failure,
  opened,
});
export const wait = (kind: Wait, attempt: number, atLeastMs = 0): Effect => ({
  do: 'wait',
  wait: kind,
  attempt,
  atLeastMs,
});
export const report = (failure: ApiFailure): Effect => ({ do: 'report', failure });
export const WORKS: Effect = { do: 'works' };
export const TRIED: Effect = { do: 'tried' };
export const BROKEN: Effect = { do: 'say', what: 'broken', detail: CUT.message };
export const same = ({ message, reason }: ApiFailure, times: number) => ({
  message,
  times,
  unreadable: reason === 'unreadable',
});
export const LIST_DUE = { version: undefined, doubtful: true };
export const LISTED = { version: '90', seen: '90', doubtful: false };
