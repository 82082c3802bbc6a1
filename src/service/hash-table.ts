import type { Endpoint } from './endpoints.ts';
import type { Steps } from './steps.ts';
import { textHash } from './text-hash.ts';

/** What chooses the endpoint of a new connection by hash: the client's address, or the connection's addresses and source port. */
export type HashBy = 'client' | 'connection';

/** For each slot the place of its endpoint in the list of endpoints. Empty without endpoints. */
export type HashTable = Uint16Array;

/** An endpoint, and how many connections it gets beside the others. Without a weight: 1. */
export type WeightedEndpoint = Pick<Endpoint, 'address' | 'port'> & { readonly weight?: number };

/** The most slots of a table, and the most endpoints: what nft's hash is scaled to, and an index of 16 bits. */
export const MAX_SLOTS = 65_536;

/** Slots for each endpoint, as long as there is room for them. */
export const SLOTS_EACH = 16;

/** A table is made for so many endpoints at least: with few of them, one more is no step of its size. */
const LEAST_ENDPOINTS = 16;

/**
 * The size of a table: a power of two, with `each` slots for each endpoint at least; MAX_SLOTS at most. `each`: SLOTS_EACH,
 * or a smaller power of two where a budget leaves no room.
 */
export function tableSize(endpoints: number, each: number = SLOTS_EACH): number {
  if (endpoints === 0) return 0;
  let slots = each * LEAST_ENDPOINTS;
  while (slots < each * endpoints && slots < MAX_SLOTS) slots *= 2;
  return slots;
}

/**
 * Fills a table. It depends on nothing but the endpoints (at most MAX_SLOTS) and their weights, not on their order: every
 * node has the same. Each endpoint has an order of its own in which it would have the slots; a slot goes to the endpoint
 * that names it first. Each takes as many as its share is, to one slot, and one at least. This is a stable matching, so one endpoint more or
 * less moves few others.
 *
 * nft scales a hash by its high bits: what was slot i is slots 2i and 2i+1 of a table of twice the size. So a table has
 * always `each` grains for each endpoint, of which the first to be taken are two slots wide. At the size of a table where
 * all are, it is the table of half the size: the number of slots doubles with hardly a client that moves.
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

/** An endpoint while the table is filled. */
interface Taker {
  readonly place: number;
  /** What it turns over at each rank, of the heaviest endpoint's 1. */
  readonly pace: number;
  /** Where its order of slots begins, and how it goes on: an odd number, so that it comes to each slot. */
  readonly start: number;
  readonly stride: number;
  /** Slots that it may still take. */
  left: number;
}

function takersOf(endpoints: readonly WeightedEndpoint[], size: number): Taker[] {
  const heaviest = endpoints.reduce((most, { weight = 1 }) => Math.max(most, weight), 0);
  const sum = (list: readonly WeightedEndpoint[]) => list.reduce((all, { weight = 1 }) => all + weight, 0);
  const all = sum(endpoints);
  // However little one weighs, it has a slot.
  const isLight = ({ weight = 1 }: WeightedEndpoint) => size * weight < all;
  const light = endpoints.filter(isLight);
  const ofWeight = (size - light.length) / (all - sum(light));
  const sorted = endpoints
    .map((endpoint, place) => ({ ...endpoint, place }))
    .sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1));
  let rest = size;
  let before = '';
  const takers = sorted.map(({ address, port, weight = 1, place }) => {
    // By the address alone: a client meets the same Pod on each port of a Service.
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

/** Ranks that are gone through in one step are about so many questions. */
const QUESTIONS_OF_STEP = 20_000;

function* deal({ takers, table, isFull, width, grains }: Deal): Steps<void> {
  const places = table.length / width;
  const bits = Math.log2(places);
  let open = grains;
  let asking = takers.filter(({ left }) => left >= width);
  let questions = 0;
  const credit = new Float64Array(takers.length);
  const turns = new Uint32Array(takers.length);
  while (open > 0 && asking.length > 0) {
    for (const taker of asking) {
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
    questions += asking.length;
    asking = asking.filter(({ left }) => left >= width);
    if (questions < QUESTIONS_OF_STEP) continue;
    questions = 0;
    yield;
  }
}

/** The last `bits` bits of a number, the last one first: so a table of twice the size has the same order. */
function reversed(number: number, bits: number): number {
  let left = number;
  let result = 0;
  for (let i = 0; i < bits; i++) {
    result = (result << 1) | (left & 1);
    left >>>= 1;
  }
  return result;
}
