import type { Log } from '../../log.ts';
import { type ForeignChange, RulesetMonitor } from '../../nft/ruleset-monitor.ts';
import type { Culprit } from '../../status/status.ts';
import { ToldOnce } from '../../sync/told-once.ts';

/** Milliseconds that the monitor runs after something was done again, and within which "again" is. */
const PERIOD = 600_000;

/** Elements of ours up to which it is started by itself: nft holds them all in memory. */
const SMALL = 20_000;

export interface OthersWatchOptions {
  readonly log: Log;
  /** --watch-others: from the start, whatever it costs. */
  readonly always: boolean;
  /** How many elements our tables have. */
  readonly size: () => number;
  readonly now?: () => number;
  /** Default: nft's own. */
  readonly monitor?: (onForeign: (change: ForeignChange) => void) => Pick<RulesetMonitor, 'runFor' | 'stop'>;
}

/**
 * Finds out who changes our tables: from the second time within ten minutes on, for ten minutes, or always. Each process
 * is named once in a while, by its name.
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
    this.#told = new ToldOnce({ log, now, enough: 'processes that change our rules were told', events: 0 });
    const onForeign = (change: ForeignChange) => this.#seen(change);
    const onEnd = () => {
      if (options.always)
        log.warn('nft monitor ended: who changes our rules is not known until something is done again');
    };
    this.#monitor = options.monitor?.(onForeign) ?? new RulesetMonitor({ onForeign, onEnd });
  }

  /** From now on. */
  start(): void {
    if (this.#options.always) void this.#monitor.runFor(Number.POSITIVE_INFINITY);
  }

  /** Who was last seen to change our tables; undefined: nobody was. */
  get last(): Culprit | undefined {
    return this.#last;
  }

  /** Somebody changed something of ours. */
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
