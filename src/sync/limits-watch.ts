import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { takeLimitCounts } from '../nft/limit-counts.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { LIMIT_COUNTERS, type LimitResult, limitCounted } from '../ruleset/program/limits.ts';
import type { Clock } from './clock.ts';
import type { FamilyModel } from './family-model.ts';

/** How many Services one look names in the log. */
const MAX_NAMED = 10;

/**
 * Milliseconds: a look is valid for at least this long, and for a multiple of the time it took, so that requests cost at
 * most a 125th of a CPU.
 */
const FRESH = 1_000;
const REST = 125;

/**
 * New connections that the limits of a Service refused, or should have refused, by result. A Service has as many results as
 * counters.
 */
export type LimitCounts = { readonly [Result in LimitResult]?: number };

export interface LimitsWatchOptions {
  readonly families: readonly {
    readonly model: Pick<FamilyModel, 'family' | 'ruleset'>;
    readonly nft: Nft;
    /** Undefined if no table is in force. */
    readonly table: () => TableName | undefined;
  }[];
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  /** Called with the connections since the previous look. */
  readonly onCount: (family: Family, result: LimitResult, connections: number) => void;
}

/**
 * Reads what the limits of Services have done, adds it up for each Service, and warns if a limit is not enforced. Without
 * such Services, it does nothing and stores nothing.
 */
export class LimitsWatch {
  readonly #options: LimitsWatchOptions;
  /** Service → what was counted in both families since this was created. */
  #sums: ReadonlyMap<string, LimitCounts> = new Map();
  #looking: Promise<void> | undefined;
  /** Until when the last look is valid. */
  #goodUntil = Number.NEGATIVE_INFINITY;

  constructor(options: LimitsWatchOptions) {
    this.#options = options;
  }

  /** Reads the kernel. There is one look at a time; callers in the meantime wait for it. */
  look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** The counts of each Service with limits ("namespace/name"). Read now, unless that was done a moment ago. */
  async counts(): Promise<ReadonlyMap<string, LimitCounts>> {
    if (this.#options.clock.now() >= this.#goodUntil) await this.look();
    return this.#sums;
  }

  /** The counts of a Service at the last look; undefined if it had no limits then. */
  countsOf(service: string): LimitCounts | undefined {
    return this.#sums.get(service);
  }

  async #lookNow(): Promise<void> {
    const { families, clock } = this.#options;
    const began = clock.now();
    const sums = new Map<string, LimitCounts>();
    // Only for existing counters. Others are forgotten.
    for (const { model } of families) {
      for (const { key } of model.ruleset.elementsOf(LIMIT_COUNTERS)) {
        const { service = '', result = 'full' } = limitCounted(key) ?? {};
        sums.set(service, { ...sums.get(service), [result]: this.#sums.get(service)?.[result] ?? 0 });
      }
    }
    for (const family of families) await this.#lookAt(family, sums);
    this.#sums = sums;
    const now = clock.now();
    this.#goodUntil = now + Math.max(FRESH, (now - began) * REST);
  }

  async #lookAt(
    { model, nft, table }: LimitsWatchOptions['families'][number],
    sums: Map<string, LimitCounts>,
  ): Promise<void> {
    const { log, onCount } = this.#options;
    const { family, ruleset } = model;
    const inForce = table();
    if (inForce === undefined || ruleset.countOf(LIMIT_COUNTERS) === 0) return;
    try {
      const counts = await takeLimitCounts(nft, family, inForce);
      for (const { result, service, packets } of counts) {
        onCount(family, result, packets);
        const known = sums.get(service);
        // Nothing is kept of a Service that has lost its limit in the meantime.
        if (known !== undefined) sums.set(service, { ...known, [result]: (known[result] ?? 0) + packets });
      }
      for (const { service, packets } of counts.filter(({ result }) => result === 'unlimited').slice(0, MAX_NAMED)) {
        const reason = 'its list of clients is full, so new ones are served without a limit';
        log.warn(`Service ${service}: kube-proxy-nft/limit is not enforced: ${reason}`, {
          family,
          connections: packets,
        });
      }
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      log.warn(`the counters of limits of Services cannot be read: ${error.message}`, { family });
    }
  }
}
