import { ElementsWatch, type ElementsWatchOptions } from './elements-watch.ts';
import { Fights } from './fights.ts';
import { RulesWatch, type RulesWatchOptions } from './rules-watch.ts';
import type { WatchOptions } from './watch-options.ts';

/** The families share those options that are not in WatchOptions. */
export type KernelWatchOptions = WatchOptions &
  Pick<ElementsWatchOptions, 'commits' | 'budget'> &
  Pick<RulesWatchOptions, 'lister' | 'dryRuns'>;

/**
 * Compares the kernel with the model while a table is in force. Rules and elements are compared concurrently, because a
 * listing of elements may take seconds, and much longer during changes. It only reads, while transactions continue. If two
 * looks find the same difference, and none of our transactions has touched it, somebody else made it. It then goes to
 * `repairs`.
 */
export class KernelWatch {
  readonly #options: KernelWatchOptions;
  readonly #rules: RulesWatch;
  readonly #elements: ElementsWatch;
  readonly #fights = new Fights();

  constructor(options: KernelWatchOptions) {
    this.#options = options;
    const common = {
      ...options,
      mayRepair: (key: string) => this.#mayRepair(key),
      onDifference: () => this.look(),
    };
    this.#rules = new RulesWatch(common);
    this.#elements = new ElementsWatch(common);
  }

  /** Compares everything at once. */
  look(): void {
    this.#rules.look();
    this.#elements.look();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#rules.run(signal), this.#elements.run(signal)]);
  }

  #mayRepair(key: string): boolean {
    const { clock, log, model } = this.#options;
    if (!this.#fights.mayRepair(key, clock.now())) return false;
    if (this.#fights.hasBegun(key)) {
      const seconds = this.#fights.pauseOf(key) / 1000;
      log.warn(
        `somebody keeps undoing what we repair: ${key}. It is repaired after growing pauses, next time in ` +
          `${seconds} s at the earliest; find out who does it with "nft monitor"`,
        { family: model.family },
      );
    }
    return true;
  }
}
