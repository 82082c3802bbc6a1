/** What a transaction may weigh (see weight.ts): keeps it near 0.2 s and nft near 50 MB (nft 1.0.6, 2 cores). */
export const MAX_WEIGHT = 10_000;

/** Changed Services taken in at a time. */
export const BATCH_SERVICES = 2_000;

/** The first batch is so many times smaller, and each next one twice as large: nft has something to do early. */
const FIRST_BATCH = 8;

/** At most so many times smaller than usual a batch is where nft was killed over larger ones: some ten elements. */
const SMALLEST_BATCH = 1024;

/** How much goes into the next transaction: little at first, and less where nft was killed over one. */
export class BatchSizes {
  /** How many times smaller than others the next batch is. */
  #divisor = FIRST_BATCH;
  /** How many times smaller than usual all batches are. */
  #leastDivisor = 1;

  /** Begins with a small one again. */
  begin(): void {
    this.#divisor = Math.max(this.#leastDivisor, FIRST_BATCH);
  }

  /** The next one: what it may weigh, where `maxWeight` is usual, and how many Services it may have. */
  next(maxWeight: number): { readonly weight: number; readonly services: number } {
    const divisor = this.#divisor;
    this.#divisor = Math.max(this.#leastDivisor, divisor / 2);
    return { weight: maxWeight / divisor, services: BATCH_SERVICES / divisor };
  }

  /** Makes batches half as large: nft was killed over one, as for want of memory. */
  shrink(): void {
    this.#leastDivisor = Math.min(SMALLEST_BATCH, this.#leastDivisor * 2);
  }

  /** Makes batches that were shrunk twice as large again. */
  grow(): void {
    this.#leastDivisor = Math.max(1, this.#leastDivisor / 2);
  }
}
