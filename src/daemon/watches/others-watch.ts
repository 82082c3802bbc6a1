import type { Log } from '../../log.ts';
import { type ForeignChange, RulesetMonitor } from '../../nft/ruleset-monitor.ts';
import type { Culprit } from '../../status/status.ts';
import { ToldOnce } from '../../sync/told-once.ts';

/** Milliseconds within which a second change starts the monitor, and for which the monitor then runs. */
const PERIOD = 600_000;

/** With more elements of ours, it does not start by itself, because nft keeps them all in memory. */
const SMALL = 20_000;

export interface OthersWatchOptions {
  readonly log: Log;
  /** --watch-others: from the start, regardless of the cost. */
  readonly always: boolean;
  /** The number of elements in our tables. */
  readonly size: () => number;
  readonly now?: () => number;
  /** Default: nft's own. */
  readonly monitor?: (onForeign: (change: ForeignChange) => void) => Pick<RulesetMonitor, 'runFor' | 'stop'>;
}

/**
 * Finds out which processes change our tables: always, or for ten minutes after the second change within ten minutes. Each
 * process is reported by name, once in a while.
 */
export class OthersWatch {
  readonly #options: OthersWatchOptions;
  readonly #now: () => number;
  readonly #monitor: Pick<RulesetMonitor, 'runFor' | 'stop'>;
  readonly #told: ToldOnce;
  #driftedAt = Number.NEGATIVE_INFINITY;
  #last: Culprit | undefined;

  constructor(options: OthersWatchOptions) {
    this.#options = options;
    const { log, now = () => performance.now() } = options;
    this.#now = now;
    this.#told = new ToldOnce({ log, now, enough: 'processes that change our rules have been reported', events: 0 });
    const onForeign = (change: ForeignChange) => this.#seen(change);
    const onEnd = () => {
      if (options.always) log.warn('nft monitor ended: who changes our rules is unknown until a change is repeated');
    };
    this.#monitor = options.monitor?.(onForeign) ?? new RulesetMonitor({ onForeign, onEnd });
  }

  /** Starts watching. */
  start(): void {
    if (this.#options.always) void this.#monitor.runFor(Number.POSITIVE_INFINITY);
  }

  /** The process that was last seen to change our tables; undefined if there was none. */
  get last(): Culprit | undefined {
    return this.#last;
  }

  /** Another program changed something of ours. */
  drifted(): void {
    const isAgain = this.#now() - this.#driftedAt < PERIOD;
    this.#driftedAt = this.#now();
    const { always, size } = this.#options;
    if (always) void this.#monitor.runFor(Number.POSITIVE_INFINITY);
    else if (isAgain && size() <= SMALL) void this.#monitor.runFor(PERIOD);
  }

  stop(): void {
    this.#monitor.stop();
  }

  #seen(change: ForeignChange): void {
    const { pid, process, command } = change;
    this.#last = { ...change, at: Date.now() };
    this.#told.tell(process, () => `our rules are changed by process ${pid} (${process}): ${command}`);
  }
}
