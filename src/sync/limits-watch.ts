import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { takeLimitCounts } from '../nft/limit-counts.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { LIMIT_COUNTERS, type LimitResult, limitCounted } from '../ruleset/program/limits.ts';
import type { Clock } from './clock.ts';
import type { FamilyModel } from './family-model.ts';

/** Services that are named in the log after one look. */
const MAX_NAMED = 10;

/** Milliseconds that a look is good for, at least; and so many times as long as it took: questions cost no more than a 125th of a CPU. */
const FRESH = 1_000;
const REST = 125;

/**
 * New connections that the limits of a Service refused, or should have, by what a counter of its counts: as many results as it has
 * counters.
 */
export type LimitCounts = { readonly [Result in LimitResult]?: number };

export interface LimitsWatchOptions {
  readonly families: readonly {
    readonly model: Pick<FamilyModel, 'family' | 'ruleset'>;
    readonly nft: Nft;
    /** Undefined where no table is in force. */
    readonly table: () => TableName | undefined;
  }[];
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  /** Told of connections that came since the look before. */
  readonly onCount: (family: Family, result: LimitResult, connections: number) => void;
}

/**
 * Reads what the limits of Services have done, sums it up Service by Service, and tells where one is not kept. Nothing runs, and
 * nothing is kept, without such Services.
 */
export class LimitsWatch {
  readonly #options: LimitsWatchOptions;
  /** Service → what was counted in both families while this lives. */
  #sums: ReadonlyMap<string, LimitCounts> = new Map();
  #looking: Promise<void> | undefined;
  /** Until when the last look is good, by the clock. */
  #goodUntil = Number.NEGATIVE_INFINITY;

  constructor(options: LimitsWatchOptions) {
    this.#options = options;
  }

  /** Reads the kernel. One look at a time: who comes meanwhile waits for that. */
  look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What was counted of each Service with limits ("namespace/name"), read now unless that was a moment ago. */
  async counts(): Promise<ReadonlyMap<string, LimitCounts>> {
    if (this.#options.clock.now() >= this.#goodUntil) await this.look();
    return this.#sums;
  }

  /** What was counted of a Service by the last look; undefined for one that had no limits then. */
  countsOf(service: string): LimitCounts | undefined {
    return this.#sums.get(service);
  }

  async #lookNow(): Promise<void> {
    const { families, clock } = this.#options;
    const began = clock.now();
    const sums = new Map<string, LimitCounts>();
    // Of each counter that there is; what is not there any more is forgotten.
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
        // Of a Service that lost its limit meanwhile nothing is kept.
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
