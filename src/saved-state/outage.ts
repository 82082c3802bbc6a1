/** Milliseconds after which an API server counts as out of reach. */
const OUTAGE_PATIENCE = 3000;

/**
 * Whether an API server can be reached, according to the requests so far. Times are milliseconds of a clock that is never
 * set.
 */
export type Outage =
  /** It has not answered since then. */
  | { readonly is: 'silent'; readonly since: number }
  /** It answers. */
  | { readonly is: 'reached' }
  /** It has refused us (401, 403): a node that is no longer wanted must not serve what it knew. Permanent. */
  | { readonly is: 'refused' };

/** `status` of an answer; undefined: there was none. `at`: when. */
export interface Heard {
  readonly status: number | undefined;
  readonly at: number;
}

/** A daemon that has just begun its requests. */
export function firstSilence(at: number): Outage {
  return { is: 'silent', since: at };
}

/** The state after a request. An overloaded server (429) or a failing one (5xx) counts as no answer. */
export function hear(outage: Outage, { status, at }: Heard): Outage {
  if (outage.is === 'refused' || status === 401 || status === 403) return { is: 'refused' };
  if (status !== undefined && status !== 429 && status < 500) return { is: 'reached' };
  return outage.is === 'silent' ? outage : { is: 'silent', since: at };
}

/** Milliseconds until the API server counts as out of reach, if it does not answer before; undefined: never. */
export function patienceLeft(outage: Outage, at: number, patience = OUTAGE_PATIENCE): number | undefined {
  return outage.is === 'silent' ? Math.max(0, outage.since + patience - at) : undefined;
}
