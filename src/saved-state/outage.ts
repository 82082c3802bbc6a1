/** Milliseconds for which an API server must have been out of reach. */
export const OUTAGE_PATIENCE = 3000;

/** Whether an API server can be reached, by what its requests met so far. Times are milliseconds of a clock that is never set. */
export type Outage =
  /** Nothing was heard of it since then. */
  | { readonly is: 'silent'; readonly since: number }
  /** It answers. */
  | { readonly is: 'reached' }
  /** It has refused us (401, 403): who is not wanted any more is not to serve what it knew. For good. */
  | { readonly is: 'refused' };

/** `status` of an answer; undefined: there was none. `at`: when. */
export interface Heard {
  readonly status: number | undefined;
  readonly at: number;
}

/** A daemon that has just begun to ask. */
export function firstSilence(at: number): Outage {
  return { is: 'silent', since: at };
}

/** What is known after a request. An overloaded server (429) or one that fails (5xx) is no more use than none. */
export function hear(outage: Outage, { status, at }: Heard): Outage {
  if (outage.is === 'refused' || status === 401 || status === 403) return { is: 'refused' };
  if (status !== undefined && status !== 429 && status < 500) return { is: 'reached' };
  return outage.is === 'silent' ? outage : { is: 'silent', since: at };
}

/** Milliseconds until the API server counts as out of reach, if nothing is heard till then; undefined: that is not to come. */
export function patienceLeft(outage: Outage, at: number, patience = OUTAGE_PATIENCE): number | undefined {
  return outage.is === 'silent' ? Math.max(0, outage.since + patience - at) : undefined;
}
