import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { takeLimitCounts } from '../nft/limit-counts.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { LIMIT_COUNTERS, type LimitResult } from '../ruleset/limits.ts';
import type { FamilyModel } from './family-model.ts';

/** Services that are named in the log after one look. */
const MAX_NAMED = 10;

export interface LimitsWatchOptions {
  readonly families: readonly {
    readonly model: Pick<FamilyModel, 'family' | 'ruleset'>;
    readonly nft: Nft;
    /** Undefined where no table is in force. */
    readonly table: () => TableName | undefined;
  }[];
  readonly log: Log;
  /** Told of connections that came since the look before. */
  readonly onCount: (family: Family, result: LimitResult, connections: number) => void;
}

/** Reads what the limits of Services have done, and tells where one is not kept. Nothing runs without such Services. */
export class LimitsWatch {
  readonly #options: LimitsWatchOptions;
  #isLooking = false;

  constructor(options: LimitsWatchOptions) {
    this.#options = options;
  }

  /** One that comes while another is at work does nothing. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (const family of this.#options.families) await this.#lookAt(family);
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt({ model, nft, table }: LimitsWatchOptions['families'][number]): Promise<void> {
    const { log, onCount } = this.#options;
    const { family, ruleset } = model;
    const inForce = table();
    if (inForce === undefined || ruleset.countOf(LIMIT_COUNTERS) === 0) return;
    try {
      const counts = await takeLimitCounts(nft, family, inForce);
      for (const { result, packets } of counts) onCount(family, result, packets);
      for (const { service, packets } of counts.filter(({ result }) => result === 'unlimited').slice(0, MAX_NAMED)) {
        const reason = 'its list of clients is full, so new ones are served without a limit';
        log.warn(`Service ${service}: kube-proxy-nft/limit is not kept: ${reason}`, { family, connections: packets });
      }
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      log.warn(`what limits of Services have done is not known: ${error.message}`, { family });
    }
  }
}
