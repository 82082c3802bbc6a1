import type { Endpoint } from './endpoints.ts';
import { sortedSteps } from './sorted-steps.ts';
import { mapInSteps, type Steps } from './steps.ts';
import { textHash } from './text-hash.ts';

/** An endpoint and its weight relative to the others. Default: 1. */
export type WeightedEndpoint = Pick<Endpoint, 'address' | 'port'> & { readonly weight?: number };

/** The size of a table. */
export interface TableSize {
  /** The number of slots. */
  readonly size: number;
  /** The minimum number of slots for each endpoint, see tableSize. */
  readonly each: number;
  /** True if a table has this size even with fewer endpoints. */
  readonly isLeast: boolean;
}

/** An endpoint while its table is being filled. */
export interface Taker {
  /** Its index in the list of endpoints. */
  readonly place: number;
  /** How many turns it has at each rank: 1 for the heaviest endpoint. */
  readonly pace: number;
  /** Where its order of slots begins, and its stride: an odd number, so that it reaches every slot. */
  readonly start: number;
  readonly stride: number;
  /** The maximum number of slots that it takes, and a minimum. */
  readonly most: number;
  readonly least: number;
  /** How many slots it has. */
  taken: number;
  /** How many more times it may take two neighbors. */
  wide: number;
  /** Its place in its order of slots. */
  turn: number;
  /** The part of a turn that it has already. All have their first turn at the first rank. */
  credit: number;
}

/** The endpoints in the order of their addresses, and how many slots each may take. */
export function* takersOf(endpoints: readonly WeightedEndpoint[], table: TableSize): Steps<Taker[]> {
  const sorted = yield* sortedSteps(
    endpoints.map(({ address, port, weight = 1 }, place) => ({ address, port, weight, place })),
    (a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1),
  );
  // By the address alone, so that a client reaches the same Pod on each port of a Service.
  const hashes = yield* mapInSteps(sorted.entries(), ([i, { address, port }]) =>
    textHash(address === sorted[i - 1]?.address ? `${address} ${port}` : address),
  );
  const weights = Float64Array.from(sorted, ({ weight }) => weight);
  const shares = sharesOf(weights, table.size);
  yield;
  const maxima = yield* maximaOf(shares, hashes, table);
  yield;
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const single = singlesOf(table);
  return yield* mapInSteps(sorted.entries(), ([i, { place, weight }]) => {
    const hash = hashes[i] ?? 0;
    const most = maxima[i] ?? 0;
    const pace = weight / heaviest;
    const singles = Math.floor((single * endpoints.length * (shares[i] ?? 0)) / table.size + partOf(hash));
    return {
      place,
      pace,
      start: hash & 0xffff,
      stride: (hash >>> 16) | 1,
      most,
      least: table.isLeast ? 0 : Math.max(1, most >> 1),
      taken: 0,
      wide: table.isLeast ? 0 : Math.max(0, most - singles),
      turn: 0,
      credit: 1 - pace,
    };
  });
}

/** The share of each in slots. It is at least one, however small the weight. */
function sharesOf(weights: Float64Array, size: number): Float64Array {
  const sum = sumOf(weights);
  const isLight = (weight: number) => size * weight < sum;
  const light = weights.filter(isLight);
  const ofWeight = (size - light.length) / (sum - sumOf(light));
  return weights.map((weight) => (isLight(weight) ? 1 : weight * ofWeight));
}

function sumOf(numbers: Float64Array): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/**
 * The maximum number of slots of each endpoint, in total at least `size`. In a table of the least size, that is its share,
 * rounded up or down. In others, it has room beyond its share, so that fewer clients move.
 */
function* maximaOf(shares: Float64Array, hashes: readonly number[], { size, isLeast }: TableSize): Steps<Uint32Array> {
  const mean = size / shares.length;
  const room = isLeast ? 1 : withRoom(mean) / mean;
  const wanted = shares.map((share) => (share > 1 ? share * room : 1));
  const maxima = Uint32Array.from(wanted);
  const missing = Math.round(sumOf(wanted)) - maxima.reduce((sum, most) => sum + most, 0);
  // Not by the fractions alone, but also by hash. So if all fractions change a little, few endpoints round differently.
  const claims = wanted.map((most, i) => (most > 1 ? (most % 1) - partOf(hashes[i] ?? 0) : Number.NEGATIVE_INFINITY));
  const ranked = yield* sortedSteps([...claims], (a, b) => a - b);
  const last = ranked[ranked.length - missing] ?? Number.POSITIVE_INFINITY;
  return maxima.map((most, i) => ((claims[i] ?? 0) >= last ? most + 1 : most));
}

/**
 * The maximum for a mean share of `mean` slots. It is a fraction, and at most 1.07 times the mean when it is rounded up. As
 * endpoints come, it decreases steadily, so that only few of them lose a slot with each one that comes. Where the mean
 * is less than 16, because a table cannot be larger or the budget is used up, 1.07 is out of reach.
 */
function withRoom(mean: number): number {
  return mean <= 16.5 ? mean + 0.5 : Math.max(17, 1.07 * mean - 1);
}

/**
 * How many slots an endpoint of mean share takes singly. It takes the others in pairs. The fewer are single, the fewer
 * clients move where a table grows. But where an endpoint gives up its last pair, more clients move than elsewhere. So this
 * must happen while the mean share is so large that endpoints still have room beyond it (withRoom), and the larger the
 * table, the more room is necessary. With 17 to 21 of 16, one cluster of 1,600 measured had a mean above 5/n (5.04).
 */
function singlesOf({ size, each }: TableSize): number {
  const further = Math.min(5, Math.max(1, Math.log2(size / each) - 5));
  return each + Math.ceil(further * (each / 16));
}

/** A hash as a fraction, 0 to 1. */
function partOf(hash: number): number {
  return hash / 2 ** 32;
}
