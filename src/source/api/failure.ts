import type { IncomingHttpHeaders } from 'node:http';
import * as v from 'valibot';
import { type ErrorCode, errnoOf, messageOf, ProxyError } from '../../errors.ts';

/**
 * Distinguishes failures that have no status, or that need more than a status: nobody answers; the version in our
 * request is ahead of the server's; what it sent cannot be read.
 */
export type Reason = 'nobody' | 'ahead' | 'unreadable';

/** A request to the API server that failed. The same problem always has the same message, so that it is logged once. */
export class ApiFailure extends ProxyError {
  /** The HTTP status, or the code of a Status object in a watch; undefined if there was no answer. */
  readonly status: number | undefined;
  /** How long the server told us to wait (Retry-After). */
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

/** The server has forgotten the resourceVersion or the continue token. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 410;
}

/** No answer came: connection refused, name not found, TLS, timeout, …. `connected`: there was a connection. */
export function unreachable(server: string, origin: string, error: unknown, connected: boolean): ApiFailure {
  if (error instanceof ProxyError) return new ApiFailure(error.code, `${error.message}; retrying`, { cause: error });
  const said = saidBy(error);
  const errno = errnoOf(error);
  // If a load balancer accepts and closes a connection because it has no server, the error also mentions TLS.
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

/** The API server broke off in the middle, or sent something that is not an answer. */
export function broken(
  server: string,
  what: string,
  { cause, reason }: { cause?: unknown; reason?: Reason } = {},
): ApiFailure {
  return new ApiFailure('E_API_UNREACHABLE', `API server ${server}: ${what}; retrying`, { cause, reason });
}

/** An answer other than 200. `resource`: what was requested ("services"). `body`: normally a Status object. */
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
  // The text that servers send with these differs from answer to answer (versions, times). It is left out; otherwise each
  // answer would be logged.
  if (status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(headers);
    const isAhead = status === 504 && v.is(TooLarge, body);
    const why = isAhead ? 'it is behind the version that we know' : 'it is overloaded or failing';
    // Gateways, and servers that start or stop, answer for a server that does not exist.
    const reason = isAhead ? 'ahead' : [502, 503, 504].includes(status) ? 'nobody' : undefined;
    return new ApiFailure('E_API_UNREACHABLE', `${start}: ${why}; retrying`, { status, retryAfterMs, reason });
  }
  return new ApiFailure('E_API_REFUSED', `${start}${said === undefined ? '' : `: ${said}`}; retrying`, { status });
}

/**
 * Retry-After, in seconds or as a date, in milliseconds; at most ten minutes, so that a mistake cannot silence us. For a
 * date, the server's own time (Date) is used, because our clock may be wrong.
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

/** Happy eyeballs' AggregateError has an empty message. */
function saidBy(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return messageOf(error);
}
