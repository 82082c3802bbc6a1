import { setTimeout as delay } from 'node:timers/promises';

/** Told of each HTTP request once: method, host with port, and the answer's status, undefined if there was no answer. */
export type OnAnswer = (method: string, host: string, status: number | undefined) => void;

/** The reflectors' periods and bounds, which tests shorten, and who is told of their requests. */
export interface Settings {
  /**
   * Shortest and longest wait before a watch goes on that broke off after it had told of changes: so short that nobody notices, and long
   * enough for 5,000 nodes to spread whose server is gone.
   */
  readonly cutMinMs: number;
  readonly cutMaxMs: number;
  /** Shortest and longest wait between failed attempts, as client-go's reflector has them. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Longest wait while nobody answers, and for the first minute of refusals. */
  readonly steadyMs: number;
  /** Waits between looks for an optional resource that is not given to us: an API server may be upgraded, a role extended. */
  readonly absentMinMs: number;
  readonly absentMaxMs: number;
  /**
   * Longest time that TCP may take: where packets vanish, its retransmissions become seldom, and a new attempt
   * is sooner answered by a server that has come back.
   */
  readonly reachMs: number;
  /** Longest time for the lookup of a name, and then for TLS. */
  readonly connectMs: number;
  /** Longest wait for the start of an answer, and for the next bytes of a list. API servers give up after 60 s themselves. */
  readonly responseMs: number;
  /** The same for optional resources, whose first answer a start waits for. */
  readonly optionalResponseMs: number;
  /** An answer about the version that takes longer may come from a server that was started meanwhile, on another state. */
  readonly promptMs: number;
  /**
   * Longest wait for the next object of a streamed list, or for its end. A server that takes longer is taken for one that does not
   * stream lists: it ignores what it does not know, and just began a watch. API servers that do wait 3 s for their cache.
   */
  readonly initialMs: number;
  /** Longest silence on a watch; each reflector draws its own, up to twice as long. API servers send a bookmark about once a minute. */
  readonly silenceMs: number;
  /** A watch that has stayed open this long counts as progress, even without events. */
  readonly stableMs: number;
  /** For how long the server is asked to keep one watch open, in seconds. Random, so that nodes spread. */
  readonly watchSeconds: () => number;
  /** Objects asked for in one page of a list, at most. */
  readonly pageSize: number;
  /**
   * Bytes of a page from which on fewer objects are asked for: it is parsed in one piece, and all else waits for that
   * (8 MiB: 40 to 80 ms).
   */
  readonly pageBytes: number;
  /** Longest watch line accepted, and longest page of one object or of a server that gives no pages, in bytes. etcd takes objects of 1.5 MiB. */
  readonly maxLineBytes: number;
  readonly maxPageBytes: number;
  /** Resolves after the given time; rejects when the signal aborts. */
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
