import { setTimeout as delay } from 'node:timers/promises';

/** Called once for each HTTP request: method, host with port, and the status of the answer; undefined if there was none. */
export type OnAnswer = (method: string, host: string, status: number | undefined) => void;

/** Periods and limits of the reflectors, which tests shorten, and a callback for their requests. */
export interface Settings {
  /**
   * Shortest and longest wait before a watch continues that broke off after it had sent changes: so short that nobody
   * notices, and long enough to spread 5,000 nodes whose server is gone.
   */
  readonly cutMinMs: number;
  readonly cutMaxMs: number;
  /** Shortest and longest wait between failed attempts, as in client-go's reflector. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Longest wait while nobody answers, and for the first minute of refusals. */
  readonly steadyMs: number;
  /**
   * Waits between attempts for an optional resource that we do not get: an API server may be upgraded, or a role extended.
   */
  readonly absentMinMs: number;
  readonly absentMaxMs: number;
  /**
   * Longest time for TCP. If packets are lost, its retransmissions become rare, and a server that has come back answers a
   * new attempt sooner.
   */
  readonly reachMs: number;
  /** Longest time for the lookup of a name, and then for TLS. */
  readonly connectMs: number;
  /**
   * Longest wait for the start of an answer, and for the next bytes of a list. API servers themselves give up after 60 s.
   */
  readonly responseMs: number;
  /** The same for optional resources. Startup waits for their first answer. */
  readonly optionalResponseMs: number;
  /**
   * If an answer about the version takes longer, it may come from a server that was started in the meantime, with another
   * state.
   */
  readonly promptMs: number;
  /**
   * Longest wait for the next object of a streamed list, or for its end. After that, the server counts as one that does not
   * stream lists: it ignored the parameter, and only began a watch. API servers that stream wait 3 s for their cache.
   */
  readonly initialMs: number;
  /**
   * Longest silence of a watch. Each reflector draws its own, up to twice as long. API servers send a bookmark about once a
   * minute.
   */
  readonly silenceMs: number;
  /** A watch that stays open this long counts as progress, even without events. */
  readonly stableMs: number;
  /** How long the server is to keep a watch open (timeoutSeconds). Random, so that nodes spread. */
  readonly watchSeconds: () => number;
  /** The maximum number of objects requested in a page of a list. */
  readonly pageSize: number;
  /**
   * Bytes of a page above which fewer objects are requested: it is parsed in one piece, and everything else waits for that
   * (8 MiB: 40 to 80 ms).
   */
  readonly pageBytes: number;
  /**
   * The longest line of a watch, and the longest page of one object or of a server without paging, in bytes. etcd accepts
   * objects of 1.5 MiB.
   */
  readonly maxLineBytes: number;
  readonly maxPageBytes: number;
  /** Resolves after the given time. Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onAnswer?: OnAnswer;
}

export const DEFAULT_SETTINGS: Settings = {
  cutMinMs: 125,
  cutMaxMs: 500,
  backoffMinMs: 800,
  backoffMaxMs: 30_000,
  steadyMs: 4000,
  absentMinMs: 15_000,
  absentMaxMs: 600_000,
  reachMs: 4000,
  connectMs: 15_000,
  responseMs: 65_000,
  optionalResponseMs: 10_000,
  promptMs: 1000,
  initialMs: 10_000,
  silenceMs: 150_000,
  stableMs: 10_000,
  watchSeconds: () => 300 + Math.floor(Math.random() * 301),
  pageSize: 500,
  pageBytes: 8 * 2 ** 20,
  maxLineBytes: 16 * 2 ** 20,
  maxPageBytes: 400 * 2 ** 20,
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};
