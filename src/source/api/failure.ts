import type { IncomingHttpHeaders } from 'node:http';
import * as v from 'valibot';
import { type ErrorCode, errnoOf, messageOf, ProxyError } from '../../errors.ts';

/**
 * What tells the failures apart that have no status, or more than that: nobody is there to answer; the version we ask from lies ahead
 * of what the server has; what it sent cannot be taken in.
 */
export type Reason = 'nobody' | 'ahead' | 'unreadable';

/** A request to the API server that failed. The message is the same for the same problem, so that it is said once. */
export class ApiFailure extends ProxyError {
  /** The HTTP status, or the code of a Status object in a watch; undefined if there was no answer. */
  readonly status: number | undefined;
  /** What the server asked us to wait (Retry-After). */
  readonly retryAfterMs: number;
  readonly reason: Reason | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      status?: number | undefined;
      retryAfterMs?: number;
      reason?: Reason | undefined;
    } = {},
  ) {
    super(code, message, { cause: options.cause });
    this.name = 'ApiFailure';
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs ?? 0;
    this.reason = options.reason;
  }
}

/** The resourceVersion or the continue token is older than what the server remembers. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 410;
}

/** No answer came: connection refused, name not found, TLS, time-out, …; `connected`: though there was a connection. */
export function unreachable(server: string, origin: string, error: unknown, connected: boolean): ApiFailure {
  if (error instanceof ProxyError) return new ApiFailure(error.code, `${error.message}; retrying`, { cause: error });
  const said = saidBy(error);
  const errno = errnoOf(error);
  // What is said of a connection that a load balancer accepts and closes, for want of a server, speaks of TLS, too.
  const isClosed = errno === 'ECONNRESET';
  const isTls =
    !isClosed && /CERT|SIGNED|SIGNATURE|SSL|TLS|OSSL|ISSUER|PEM|certificate|key values/.test(`${errno} ${said}`);
  const advice = isTls
    ? `check the certificates named by ${origin}`
    : `check that the API server runs and that ${origin} has the right address`;
  return new ApiFailure('E_API_UNREACHABLE', `API server ${server}: ${said}; retrying; ${advice}`, {
    cause: error,
    reason: isTls || connected ? undefined : 'nobody',
  });
}

/** The API server broke off in the middle, or sent what is no answer. */
export function broken(
  server: string,
  what: string,
  { cause, reason }: { cause?: unknown; reason?: Reason } = {},
): ApiFailure {
  return new ApiFailure('E_API_UNREACHABLE', `API server ${server}: ${what}; retrying`, { cause, reason });
}

/** An answer other than 200. `resource` is what was asked for ("services"), `body` a Status object if all is well. */
export function answered(
  server: string,
  origin: string,
  resource: string,
  answer: { status: number; headers?: IncomingHttpHeaders; body: unknown },
): ApiFailure {
  const { status, headers, body } = answer;
  const said = statusMessage(body);
  const start = `API server ${server} answers ${status} for ${resource}`;
  if (status === 401) {
    return new ApiFailure(
      'E_API_REFUSED',
      `${start}: it does not accept our credentials; retrying; check the credentials of ${origin}`,
      {
        status,
      },
    );
  }
  if (status === 403) {
    const advice = `grant list and watch on ${resource} (ClusterRole system:node-proxier)`;
    return new ApiFailure('E_API_REFUSED', `${start}: ${said ?? 'forbidden'}; retrying; ${advice}`, { status });
  }
  // What servers say with these differs from answer to answer (versions, times): left out, or it would be logged each time.
  if (status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(headers);
    const isAhead = status === 504 && v.is(TooLarge, body);
    const why = isAhead ? 'it is behind the version that we know' : 'it is overloaded or failing';
    // Gateways, and servers that start or stop, answer for a server that is not there.
    const reason = isAhead ? 'ahead' : [502, 503, 504].includes(status) ? 'nobody' : undefined;
    return new ApiFailure('E_API_UNREACHABLE', `${start}: ${why}; retrying`, { status, retryAfterMs, reason });
  }
  return new ApiFailure('E_API_REFUSED', `${start}${said === undefined ? '' : `: ${said}`}; retrying`, { status });
}

/**
 * Retry-After in seconds or as a date, in milliseconds; at most ten minutes, so that no typo silences us. The server's own time
 * (Date) tells how long it is until a date: ours may have been set.
 */
function retryAfter(headers: IncomingHttpHeaders | undefined): number {
  const text = headers?.['retry-after'];
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.parse(headers?.date ?? '');
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 600_000) : 0;
}

/** metav1.CauseTypeResourceVersionTooLarge, set since Kubernetes 1.18.6. */
const TooLarge = v.object({
  details: v.object({
    causes: v.pipe(
      v.array(v.object({ reason: v.optional(v.string()) })),
      v.someItem(({ reason }) => reason === 'ResourceVersionTooLarge'),
    ),
  }),
});

const StatusObject = v.object({ message: v.string() });

function statusMessage(body: unknown): string | undefined {
  const status = v.safeParse(StatusObject, body);
  return status.success && status.output.message !== '' ? status.output.message.slice(0, 300) : undefined;
}

/** Happy eyeballs' AggregateError has an empty message of its own. */
function saidBy(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return messageOf(error);
}
