import { readFileSync } from 'node:fs';
import type { Log } from '../log.ts';

/** What the kernel's conntrack has counted in a network namespace since that was created, and how full it is. */
export interface ConntrackCounts {
  /** First packets of connections that were lost because the table was full and no entry could be dropped. */
  readonly drop: number;
  /**
   * First packets that were lost because another connection had the same addresses and ports, as in a clash of two packets
   * of a client.
   */
  readonly insertFailed: number;
  readonly entries: number;
  /** net.netfilter.nf_conntrack_max: one limit for all namespaces of the machine. */
  readonly limit: number;
}

/** The file for the daemon's own network namespace. */
const STATISTICS = '/proc/self/net/stat/nf_conntrack';
const ENTRIES = '/proc/sys/net/netfilter/nf_conntrack_count';
const LIMIT = '/proc/sys/net/netfilter/nf_conntrack_max';

/** Milliseconds without a loss, after which the next one is reported again. */
const QUIET = 3_600_000;

/** The current counts, from three small files; undefined if the kernel has no such files (CONFIG_NF_CONNTRACK_PROCFS). */
export function readConntrackCounts(): ConntrackCounts | undefined {
  try {
    const [statistics = '', entries, limit] = [STATISTICS, ENTRIES, LIMIT].map((path) => readFileSync(path, 'latin1'));
    const counters = parseStatistics(statistics);
    return counters && { ...counters, entries: Number(entries), limit: Number(limit) };
  } catch {
    // Without the module, there are no connections to lose.
    return undefined;
  }
}

/**
 * Adds up /proc/net/stat/nf_conntrack: a line of names, and a line of hexadecimal numbers for each CPU. Undefined if a name
 * is missing, which depends on the kernel's version.
 */
export function parseStatistics(text: string): Pick<ConntrackCounts, 'drop' | 'insertFailed'> | undefined {
  const [names, ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const sumOf = (name: string) => {
    const column = names?.indexOf(name) ?? -1;
    return column < 0 ? undefined : rows.reduce((sum, row) => sum + Number.parseInt(row[column] ?? '', 16), 0);
  };
  const [drop, insertFailed] = [sumOf('drop'), sumOf('insert_failed')];
  return drop === undefined || insertFailed === undefined ? undefined : { drop, insertFailed };
}

export interface ConntrackLossesOptions {
  readonly log: Log;
  readonly read?: () => ConntrackCounts | undefined;
  /** Milliseconds from any origin. */
  readonly now?: () => number;
}

/**
 * Reports when conntrack loses new connections. It looks like a broken Service, but the rules are correct. Each of the two
 * reasons is reported once, and again after an hour without losses.
 */
export class ConntrackLosses {
  readonly #read: () => ConntrackCounts | undefined;
  readonly #now: () => number;
  readonly #log: Log;
  #last: ConntrackCounts | undefined;
  /** Until when another loss is not reported. */
  readonly #toldUntil = { drop: Number.NEGATIVE_INFINITY, insertFailed: Number.NEGATIVE_INFINITY };

  constructor({ log, read = readConntrackCounts, now = () => performance.now() }: ConntrackLossesOptions) {
    this.#read = read;
    this.#now = now;
    this.#log = log;
    this.#last = read();
  }

  /** Compares with the previous look. To be called every few seconds. */
  look(): void {
    const counts = this.#read();
    const last = this.#last;
    this.#last = counts;
    if (counts === undefined || last === undefined) return;
    const { entries, limit } = counts;
    this.#tell('drop', counts.drop - last.drop, (lost) => {
      const table = `conntrack has no room (${entries} of ${limit} entries): ${lost} first packets of connections were lost`;
      return `${table}. This looks like broken Services; raise net.netfilter.nf_conntrack_max, or find out who opens so many connections`;
    });
    this.#tell('insertFailed', counts.insertFailed - last.insertFailed, (lost) => {
      const clash = `conntrack lost ${lost} first packets of connections with the addresses and ports of another`;
      return `${clash}: clients retry after one or five seconds; the usual reason is a client that uses one port for many connections`;
    });
  }

  #tell(reason: 'drop' | 'insertFailed', lost: number, describe: (lost: number) => string): void {
    if (lost <= 0) return;
    const now = this.#now();
    if (now >= this.#toldUntil[reason]) this.#log.warn(describe(lost));
    this.#toldUntil[reason] = now + QUIET;
  }
}
