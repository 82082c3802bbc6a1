/**
 * The maximum weight of a transaction (see weight.ts). It keeps a transaction near 0.2 s and nft near 50 MB (nft 1.0.6, 2
 * cores).
 */
export const MAX_WEIGHT = 10_000;

/** How many changed Services are taken in at a time. */
export const BATCH_SERVICES = 2_000;

/**
 * The first batch is an eighth of the usual size, and each batch is twice as large as the one before, so that nft can start
 * early.
 */
const FIRST_BATCH = 8;

/** If nft is killed over large batches, they shrink to no less than this fraction of the usual size: some ten elements. */
const SMALLEST_BATCH = 1024;

/** How much goes into the next transaction: little at first, and less after nft was killed over one. */
export class BatchSizes {
  /** The next batch is the usual size divided by this. */
  #divisor = FIRST_BATCH;
  /** The smallest divisor that is allowed now. */
  #leastDivisor = 1;

  /** Starts with a small batch again. */
  begin(): void {
    this.#divisor = Math.max(this.#leastDivisor, FIRST_BATCH);
  }

  /** The limits of the next batch: its weight, if `maxWeight` is usual, and how many Services it may have. */
  next(maxWeight: number): { readonly weight: number; readonly services: number } {
    const divisor = this.#divisor;
    this.#divisor = Math.max(this.#leastDivisor, divisor / 2);
    return { weight: maxWeight / divisor, services: BATCH_SERVICES / divisor };
  }

  /** Halves the batches after nft was killed over one, for example because memory ran out. */
  shrink(): void {
    this.#leastDivisor = Math.min(SMALLEST_BATCH, this.#leastDivisor * 2);
  }

  /** Doubles batches that were halved before. */
  grow(): void {
    this.#leastDivisor = Math.max(1, this.#leastDivisor / 2);
  }
}
