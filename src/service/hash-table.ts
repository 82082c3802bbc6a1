import type { Endpoint } from './endpoints.ts';
import type { Steps } from './steps.ts';
import { textHash } from './text-hash.ts';

/**
 * What a hash uses to select the endpoint of a new connection: the client's address, or the connection's addresses and
 * source port.
 */
export type HashBy = 'client' | 'connection';

/** For each slot, the index of its endpoint in the list of endpoints. Empty without endpoints. */
export type HashTable = Uint16Array;

/** An endpoint and its weight relative to the others. Default: 1. */
export type WeightedEndpoint = Pick<Endpoint, 'address' | 'port'> & { readonly weight?: number };

/** The maximum number of slots in a table, and of endpoints: the range of nft's hash here, and of a 16-bit index. */
export const MAX_SLOTS = 65_536;

/** Slots for each endpoint, as long as there is room. */
export const SLOTS_EACH = 16;

/** A table is made for at least this many endpoints. So with few endpoints, one more does not change its size. */
const LEAST_ENDPOINTS = 16;

/**
 * The size of a table: a power of two, with at least `each` slots for each endpoint, and at most MAX_SLOTS. `each`:
 * SLOTS_EACH, or a smaller power of two if the budget requires it.
 */
export function tableSize(endpoints: number, each: number = SLOTS_EACH): number {
  if (endpoints === 0) return 0;
  let slots = each * LEAST_ENDPOINTS;
  while (slots < each * endpoints && slots < MAX_SLOTS) slots *= 2;
  return slots;
}

/**
 * Fills a table. The result depends only on the endpoints (at most MAX_SLOTS) and their weights, not on their order, so
 * every node has the same. Each endpoint has its own order of preference for the slots. A slot goes to the endpoint that
 * names it first. Each endpoint takes its share, rounded to slots, and at least one. This is a stable matching, so one
 * endpoint more or less moves few others.
 *
 * nft scales a hash by its high bits: slot i becomes slots 2i and 2i+1 in a table of twice the size. So a table always has
 * `each` grains for each endpoint, of which the first to be taken are two slots wide. At the size at which all grains are
 * two slots wide, the table equals the one of half the size. So hardly any client moves when the number of slots doubles.
 */
export function* fillTable(endpoints: readonly WeightedEndpoint[], each: number = SLOTS_EACH): Steps<HashTable> {
  const size = tableSize(endpoints.length, each);
  const table = new Uint16Array(size);
  if (endpoints.length < 2) return table;
  const takers = takersOf(endpoints, size);
  const isFull = new Uint8Array(size);
  const isLeast = size === each * LEAST_ENDPOINTS;
  const wide = isLeast ? 0 : Math.max(0, size - each * endpoints.length);
  yield* deal({ takers, table, isFull, width: 2, grains: wide });
  yield;
  yield* deal({ takers, table, isFull, width: 1, grains: size - 2 * wide });
  return table;
}

/** An endpoint while the table is being filled. */
interface Taker {
  readonly place: number;
  /** What it advances at each rank; 1 for the heaviest endpoint. */
  readonly pace: number;
  /** Where its order of slots begins, and its stride: an odd number, so that it reaches every slot. */
  readonly start: number;
  readonly stride: number;
  /** How many slots it may still take. */
  left: number;
}

function takersOf(endpoints: readonly WeightedEndpoint[], size: number): Taker[] {
  const heaviest = endpoints.reduce((most, { weight = 1 }) => Math.max(most, weight), 0);
  const sum = (list: readonly WeightedEndpoint[]) => list.reduce((all, { weight = 1 }) => all + weight, 0);
  const all = sum(endpoints);
  // An endpoint has at least one slot, however small its weight.
  const isLight = ({ weight = 1 }: WeightedEndpoint) => size * weight < all;
  const light = endpoints.filter(isLight);
  const ofWeight = (size - light.length) / (all - sum(light));
  const sorted = endpoints
    .map((endpoint, place) => ({ ...endpoint, place }))
    .sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1));
  let rest = size;
  let before = '';
  const takers = sorted.map(({ address, port, weight = 1, place }) => {
    // By the address alone, so that a client reaches the same Pod on each port of a Service.
    const key = address === before ? `${address} ${port}` : address;
    before = address;
    const hash = textHash(key);
    const share = isLight({ address, port, weight }) ? 1 : weight * ofWeight;
    const left = Math.floor(share);
    rest -= left;
    const taker = { place, pace: weight / heaviest, start: hash & 0xffff, stride: (hash >>> 16) | 1, left };
    return { taker, fraction: share - left, hash };
  });
  const ranked = takers.toSorted((a, b) => b.fraction - a.fraction || a.hash - b.hash);
  for (const { taker } of ranked.slice(0, rest)) taker.left++;
  return takers.map(({ taker }) => taker);
}

interface Deal {
  readonly takers: readonly Taker[];
  readonly table: HashTable;
  readonly isFull: Uint8Array;
  /** How many slots a grain has, and how many grains are to be taken. */
  readonly width: number;
  readonly grains: number;
}

/** A step goes through as many ranks as this many lookups take. */
const LOOKUPS_OF_STEP = 20_000;

function* deal({ takers, table, isFull, width, grains }: Deal): Steps<void> {
  const places = table.length / width;
  const bits = Math.log2(places);
  let open = grains;
  let waiting = takers.filter(({ left }) => left >= width);
  let lookups = 0;
  const credit = new Float64Array(takers.length);
  const turns = new Uint32Array(takers.length);
  while (open > 0 && waiting.length > 0) {
    for (const taker of waiting) {
      const { place, pace, start, stride } = taker;
      let due = (credit[place] ?? 0) + pace;
      for (; due >= 1 && open > 0 && taker.left >= width; due--) {
        const turn = turns[place] ?? 0;
        turns[place] = turn + 1;
        const first = reversed(start + Math.imul(turn, stride), bits) * width;
        if (isFull[first] === 1) continue;
        table.fill(place, first, first + width);
        isFull.fill(1, first, first + width);
        taker.left -= width;
        open--;
      }
      credit[place] = due;
    }
    lookups += waiting.length;
    waiting = waiting.filter(({ left }) => left >= width);
    if (lookups < LOOKUPS_OF_STEP) continue;
    lookups = 0;
    yield;
  }
}

/** The last `bits` bits of a number in reverse order. So a table of twice the size has the same order. */
function reversed(number: number, bits: number): number {
  let left = number;
  let result = 0;
  for (let i = 0; i < bits; i++) {
    result = (result << 1) | (left & 1);
    left >>>= 1;
  }
  return result;
}
