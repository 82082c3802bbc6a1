import type { LimitCounts } from '../sync/limits-watch.ts';

export const CONNECTION_RESULTS = ['served', 'refused', 'dropped'] as const;

/** What happened to new connections. */
export type ConnectionResult = (typeof CONNECTION_RESULTS)[number];

/** New connections to a port of a Service with one result, at any of its addresses. */
export interface PortConnections {
  readonly namespace: string;
  readonly service: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  /** "tcp", "udp" or "sctp". */
  readonly protocol: string;
  readonly result: ConnectionResult;
  /**
   * How many the kernel has counted. It never decreases while this daemon runs. If a client retries after a refusal or a
   * drop, that counts again.
   */
  readonly connections: number;
}

/** New connections to one frontend, by their result. */
export interface FrontendConnections
  extends Pick<PortConnections, 'namespace' | 'service' | 'port' | 'protocol'>,
    Readonly<Record<ConnectionResult, number>> {
  /** As in ServiceRow: "10.96.0.80:80/tcp". */
  readonly address: string;
}

/** The effects of limits on new connections to a Service, over all its frontends and both families. */
export interface LimitedService extends LimitCounts {
  readonly namespace: string;
  readonly service: string;
}

/**
 * A daemon's answer to `GET /connections` on its control socket, as JSON. The kernel is read on demand: at most once a
 * second, and for at most a 125th of a CPU (with 30,000 Services about once a minute). `readAt` says when.
 */
export interface Connections {
  /** When the kernel was read: milliseconds since 1970. Rates are computed from two answers with different times. */
  readonly readAt: number;
  /** False: nothing is counted, and `ports` is empty. */
  readonly counted: boolean;
  /** Why nothing is counted, for people; absent if connections are counted. */
  readonly why?: string;
  /** In no particular order. Missing ones are 0. */
  readonly ports: readonly PortConnections[];
  /** For `GET /connections?frontends`: the same for each frontend. */
  readonly frontends?: readonly FrontendConnections[];
  /** Services with limits, even if nothing else is counted; absent if there are none. */
  readonly limited?: readonly LimitedService[];
}
