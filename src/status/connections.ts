/** What became of new connections. */
export type ConnectionResult = 'served' | 'refused' | 'dropped';

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

/**
 * The answer of a daemon to `GET /connections` on its control socket, as JSON. What the kernel has counted is read when
 * somebody asks, at most once a second: `readAt` says when.
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
}
