import type { Wait } from './backoff.ts';
import { type ApiFailure, isGone } from './failure.ts';
import { isUnknown, mayStillList } from './initial-events.ts';
import type { Phase, Step } from './phase.ts';
import { isOlder } from './versions.ts';

/**
 * A server may refuse this often in a row what it allowed before, until it counts as a problem. It may have just started.
 */
const REFUSALS_OF_STARTING = 3;

/** If a watch fails this often in a row in the same way, its starting point is taken for the reason. */
const SAME_FAILURES_BEFORE_LIST = 3;

/** The outcome of a step, or an event during one. */
export type Outcome =
  /** A list has been received completely. */
  | { readonly what: 'listed'; readonly version: string }
  /** The server's current version. `prompt`: the answer came without delay. */
  | { readonly what: 'compared'; readonly version: string; readonly prompt: boolean }
  /** An event of a watch was received. */
  | { readonly what: 'taken'; readonly version: string }
  /** A watch has stayed open for a while. */
  | { readonly what: 'stable' }
  /** The server ended a watch normally. `stable`: it had stayed open for a while. */
  | { readonly what: 'ended'; readonly stable: boolean }
  /** `opened`: the answer had begun. */
  | { readonly what: 'failed'; readonly step: Step; readonly failure: ApiFailure; readonly opened: boolean };

/** What to do about it, in order, before the next step. */
export type Effect =
  /** Startup need not wait for this kind any more. */
  | { readonly do: 'tried' }
  /** It works, so a reported problem is over. */
  | { readonly do: 'works' }
  | { readonly do: 'report'; readonly failure: ApiFailure }
  | { readonly do: 'say'; readonly what: Saying; readonly status?: number | undefined; readonly detail?: string }
  | { readonly do: 'drop-credentials' }
  | { readonly do: 'wait'; readonly wait: Wait; readonly attempt: number; readonly atLeastMs: number };

/**
 * What an operator may want to know: etcd was restored; an optional resource is withheld, or is now offered; the server does
 * not know our field selector, or does not stream lists; our version is unusable; a watch broke off.
 */
export type Saying = 'restored' | 'withheld' | 'offered' | 'no-selector' | 'pages-only' | 'useless' | 'broken';

export interface Decision {
  readonly phase: Phase;
  readonly effects: readonly Effect[];
}

const TRIED: Effect = { do: 'tried' };

const WORKS: readonly Effect[] = [{ do: 'works' }];

/**
 * Decides how a reflector continues. The rules:
 *
 * - Before a watch continues, the reflector requests the server's version. The server would accept a watch from a version
 *   that lies ahead, as after a restore of etcd from a backup, and then stay silent for ever.
 * - The version does not reveal a restore after which etcd was written to beyond our version. But a restore takes at least
 *   some seconds, in which there is no API server. So the reflector lists after an attempt that nobody answered, that was
 *   refused, or that took long. It does not do so if the server is overloaded (429).
 * - A watch that breaks off after progress continues almost at once, because changes would be late by the whole wait. Only
 *   repeated failures without progress are a reason for fewer requests.
 * - The reflector also lists if the version has been forgotten (410) or lies ahead, or if a watch from it breaks off
 *   repeatedly in the same way.
 */
export function decide(phase: Phase, outcome: Outcome): Decision {
  switch (outcome.what) {
    case 'listed':
      return listed(phase, outcome.version);
    case 'compared':
      return compared(phase, outcome);
    case 'taken': {
      const { version } = outcome;
      return progressed({ ...phase, version, seen: version, same: undefined });
    }
    case 'stable':
      // It may take a while until an event arrives that cannot be read.
      return progressed({ ...phase, cuts: 0, same: phase.same?.unreadable ? phase.same : undefined });
    case 'ended': {
      if (outcome.stable) return { phase: { ...phase, doubtful: true }, effects: [] };
      const next = { ...phase, doubtful: true };
      return hadProgress(phase) ? cut(next) : failedAgain(next, 'refusal', 0);
    }
    case 'failed':
      return phase.version === undefined ? listFailed(phase, outcome) : watchFailed(phase, phase.version, outcome);
  }
}

type Failed = Extract<Outcome, { what: 'failed' }>;

/** This is not progress: a server that at once forgets what it has listed must not get requests without a pause. */
function listed(phase: Phase, version: string): Decision {
  const { seen, streamFailure } = phase;
  const effects: Effect[] = [{ do: 'tried' }];
  // Only now: if the list had failed, too, streaming might not be the reason.
  if (streamFailure !== undefined && isUnknown(streamFailure))
    effects.push({ do: 'say', what: 'pages-only', status: streamFailure.status });
  if (seen !== undefined && isOlder(version, seen)) effects.push({ do: 'say', what: 'restored' });
  const known = { version, seen: version, doubtful: false, same: undefined };
  return { phase: { ...phase, ...known, brokenStreams: 0, streamFailure: undefined }, effects };
}

function compared(phase: Phase, { version, prompt }: Extract<Outcome, { what: 'compared' }>): Decision {
  if (prompt && phase.version !== undefined && isOlder(version, phase.version) === false)
    return { phase: { ...phase, doubtful: false }, effects: [] };
  return { phase: { ...phase, version: undefined }, effects: [] };
}

function progressed(phase: Phase): Decision {
  const fresh = { failures: 0, isCut: false, inOutage: false, wasUseless: false, withheld: undefined, looks: 0 };
  // Only once it can be watched. With a role that only allows list, the resource is listed seldom.
  const effects: readonly Effect[] = phase.withheld === undefined ? WORKS : [...WORKS, { do: 'say', what: 'offered' }];
  return { phase: { ...phase, ...fresh }, effects };
}

function listFailed(phase: Phase, failed: Failed): Decision {
  const { step, failure } = failed;
  if (step === 'stream') {
    // Without a connection, streaming is not the reason.
    const isBroken = failure.status !== undefined || failure.reason !== 'nobody';
    const tried = { ...phase, brokenStreams: phase.brokenStreams + (isBroken ? 1 : 0) };
    if (mayStillList(failure)) return { phase: { ...tried, streamFailure: failure }, effects: [] };
    return withheld(tried, failed) ?? paused(tried, failed, [sayingOf(tried, failure)]);
  }
  const tried = { ...phase, brokenStreams: 0, streamFailure: undefined };
  if (failure.status === 400 && phase.selecting)
    return { phase: { ...tried, selecting: false }, effects: [{ do: 'say', what: 'no-selector' }] };
  return withheld(tried, failed) ?? paused(tried, failed, [sayingOf(tried, failure)]);
}

function watchFailed(phase: Phase, version: string, failed: Failed): Decision {
  const { failure, opened } = failed;
  const absent = withheld(phase, failed);
  if (absent !== undefined) return absent;
  if (failure.reason === 'ahead' || isGone(failure)) {
    const next = { ...phase, version: undefined, wasUseless: true };
    const said: Effect = { do: 'say', what: 'useless', detail: failure.message };
    return phase.wasUseless ? paused(next, failed, [{ do: 'report', failure }]) : { phase: next, effects: [said] };
  }
  const { message } = failure;
  const times = phase.same?.message === message ? phase.same.times + 1 : 1;
  const isListDue = failure.status !== 429 && (!opened || times >= SAME_FAILURES_BEFORE_LIST);
  const same = isListDue ? undefined : { message, times, unreadable: failure.reason === 'unreadable' };
  const next = { ...phase, version: isListDue ? undefined : version, doubtful: true, same };
  // Streams break off in normal operation (a rolling restart, a load balancer). It is a problem only if it persists.
  const isUsual = failure.status === undefined && hadProgress(phase);
  const said = isUsual ? inDetail(failure) : sayingOf(phase, failure);
  if (!opened || !hadProgress(phase) || failure.status === 429) return paused(next, failed, [said]);
  const { phase: after, effects } = cut(next);
  return { phase: after, effects: [...(phase.optional ? [TRIED] : []), said, ...effects] };
}

/** The API server, or the role, is older than an optional resource. We try again seldom. What it delivered before stays. */
function withheld(phase: Phase, failed: Failed): Decision | undefined {
  const { status } = failed.failure;
  if (!phase.optional || (status !== 403 && status !== 404)) return undefined;
  if (phase.withheld === undefined && mayBeStarting(phase, failed.failure))
    return paused({ ...phase, version: undefined }, failed, []);
  const looks = phase.looks + 1;
  const said: readonly Effect[] = phase.withheld === status ? [] : [{ do: 'say', what: 'withheld', status }];
  return {
    phase: {
      ...phase,
      ...{ version: undefined, doubtful: false, same: undefined },
      ...{ failures: 0, inOutage: false, withheld: status, looks },
    },
    effects: [{ do: 'tried' }, ...WORKS, ...said, { do: 'wait', wait: 'absence', attempt: looks, atLeastMs: 0 }],
  };
}

/** A server that starts refuses for some seconds what it allowed before (403 until it has read the roles). */
function mayBeStarting({ seen, inOutage, failures }: Phase, { status, reason }: ApiFailure): boolean {
  const isRefusal = status !== undefined && reason !== 'nobody';
  return isRefusal && seen !== undefined && (inOutage || failures < REFUSALS_OF_STARTING);
}

function sayingOf(phase: Phase, failure: ApiFailure): Effect {
  return mayBeStarting(phase, failure) ? inDetail(failure) : { do: 'report', failure };
}

function inDetail({ message }: ApiFailure): Effect {
  return { do: 'say', what: 'broken', detail: message };
}

/** Whether nothing has failed since the last progress. */
function hadProgress({ failures, isCut }: Phase): boolean {
  return failures === 0 && !isCut;
}

/** A watch broke off after progress. This is not a failure yet. The next pause depends on what comes now. */
function cut(phase: Phase): Decision {
  const cuts = phase.cuts + 1;
  const effects: readonly Effect[] = [{ do: 'wait', wait: 'cut', attempt: cuts, atLeastMs: 0 }];
  return { phase: { ...phase, cuts, isCut: true }, effects };
}

function paused(phase: Phase, { failure, opened }: Failed, said: readonly Effect[]): Decision {
  const inOutage = !opened && failure.reason === 'nobody';
  // After a server has come back, it gets frequent requests again, however long it was away.
  const before = phase.inOutage && !inOutage ? 0 : phase.failures;
  const effects: Effect[] = phase.optional ? [TRIED] : [];
  effects.push(...said);
  if (failure.status === 401) effects.push({ do: 'drop-credentials' });
  const next = { ...phase, failures: before, inOutage };
  const again = failedAgain(next, inOutage ? 'outage' : 'refusal', failure.retryAfterMs);
  return { phase: again.phase, effects: [...effects, ...again.effects] };
}

/** Counts one more failure, and waits. */
function failedAgain(phase: Phase, wait: Wait, atLeastMs: number): Decision {
  const failures = phase.failures + 1;
  return { phase: { ...phase, failures }, effects: [{ do: 'wait', wait, attempt: failures, atLeastMs }] };
}
