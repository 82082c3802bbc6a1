import type { LimitCounts } from '../sync/limits-watch.ts';

export const CONNECTION_RESULTS = ['served', 'refused', 'dropped'] as const;

/** What became of new connections. */
export type ConnectionResult = (typeof CONNECTION_RESULTS)[number];

/** New connections to one port of a Service that had one result, whichever of its addresses they were made to. */
export interface PortConnections {
  readonly namespace: string;
  readonly service: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  /** "tcp", "udp" or "sctp". */
  readonly protocol: string;
  readonly result: ConnectionResult;
  /**
   * How many the kernel has counted; never less than an answer before, while this daemon lives. A client that tries again
   * after a refusal or a drop counts again.
   */
  readonly connections: number;
}

/** New connections to one frontend, by their result. */
export interface FrontendConnections
  extends Pick<PortConnections, 'namespace' | 'service' | 'port' | 'protocol'>,
    Readonly<Record<ConnectionResult, number>> {
  /** As ServiceRow has it: "10.96.0.80:80/tcp". */
  readonly address: string;
}

/** What limits have done with new connections to a Service, over all its frontends and both families. */
export interface LimitedService extends LimitCounts {
  readonly namespace: string;
  readonly service: string;
}

/**
 * The answer of a daemon to `GET /connections` on its control socket, as JSON. What the kernel has counted is read when
 * somebody asks: not more often than once a second, nor for more than a 125th of a CPU (30,000 Services: every minute
 * or so). `readAt` says when.
 */
export interface Connections {
  /** When the kernel was read: milliseconds since 1970. Rates are made from two answers with different times. */
  readonly readAt: number;
  /** False: nothing is counted, and `ports` is empty. */
  readonly counted: boolean;
  /** Why nothing is counted, for people; absent where it is. */
  readonly why?: string;
  /** In no particular order. What is not in it is 0. */
  readonly ports: readonly PortConnections[];
  /** For `GET /connections?frontends`: the same frontend by frontend. */
  readonly frontends?: readonly FrontendConnections[];
  /** Of Services with limits, also where nothing else is counted; absent if there are none. */
  readonly limited?: readonly LimitedService[];
}
