import type { Steps } from './steps.ts';
import { type Taker, takersOf, type WeightedEndpoint } from './table-shares.ts';

/**
 * What a hash uses to select the endpoint of a new connection: the client's address, or the connection's addresses and
 * source port.
 */
export type HashBy = 'client' | 'connection';

/** For each slot, the index of its endpoint in the list of endpoints. Empty without endpoints. */
export type HashTable = Uint16Array;

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
 * every node has the same. Each endpoint has its own order of preference for the slots, and a maximum of slots. A slot goes
 * to the endpoint that names it first. This is a stable matching, and endpoints have some room beyond their shares. So one
 * endpoint more or less moves few others.
 *
 * nft scales a hash by its high bits: slot i becomes slots 2i and 2i+1 in a table of twice the size. In a table that has
 * just grown, endpoints take nearly all slots as such pairs, as they do in the table of half the size. As more endpoints
 * come, the maximum of each decreases, and each time one of its pairs becomes a single slot. So few clients move when the
 * number of slots doubles.
 */
export function* fillTable(endpoints: readonly WeightedEndpoint[], each: number = SLOTS_EACH): Steps<HashTable> {
  const size = tableSize(endpoints.length, each);
  const filling: Filling = { table: new Uint16Array(size), isFull: new Uint8Array(size), open: size, lookups: 0 };
  if (endpoints.length < 2) return filling.table;
  let takers = yield* takersOf(endpoints, { size, each, isLeast: size === each * LEAST_ENDPOINTS });
  for (let rank = 1; filling.open > 0; rank++) {
    for (const taker of takers) {
      taker.credit += taker.pace;
      if (taker.credit < 1) continue;
      taker.credit--;
      takeTurn(filling, taker, rank);
      if (filling.lookups < LOOKUPS_OF_STEP) continue;
      filling.lookups = 0;
      yield;
    }
    takers = takers.filter(({ taken, most }) => taken < most);
  }
  return filling.table;
}

/** A table while it is being filled. */
interface Filling {
  readonly table: HashTable;
  readonly isFull: Uint8Array;
  /** How many slots are free. */
  open: number;
  /** How many slots were tried in this step. */
  lookups: number;
}

/** A step has about as many lookups. */
const LOOKUPS_OF_STEP = 20_000;

/** Takes what is free of the next slots in an endpoint's order; of further ones if it has far less than others have. */
function takeTurn(filling: Filling, taker: Taker, rank: number): void {
  const { table, isFull } = filling;
  const bits = Math.log2(table.length);
  // At this rank, others have most of their slots or more than half of the ranks.
  const due = Math.min((rank * taker.pace) / 4, taker.least);
  do {
    const width = taker.wide > 0 ? 2 : 1;
    const number = taker.start + Math.imul(taker.turn++, taker.stride);
    const first = width * reversed(number, bits + 1 - width);
    const before = taker.taken;
    for (let slot = first; slot < first + width && taker.taken < taker.most; slot++) {
      if (isFull[slot] === 1) continue;
      isFull[slot] = 1;
      table[slot] = taker.place;
      taker.taken++;
    }
    filling.open -= taker.taken - before;
    if (width === 2 && taker.taken > before) taker.wide--;
    filling.lookups++;
  } while (taker.taken < due && filling.open > 0);
}

/** The last `bits` bits (at most 16) of a number in reverse order. So a table of twice the size has the same order. */
function reversed(number: number, bits: number): number {
  let mixed = ((number & 0x5555) << 1) | ((number >>> 1) & 0x5555);
  mixed = ((mixed & 0x3333) << 2) | ((mixed >>> 2) & 0x3333);
  mixed = ((mixed & 0x0f0f) << 4) | ((mixed >>> 4) & 0x0f0f);
  mixed = ((mixed & 0x00ff) << 8) | (mixed >>> 8);
  return mixed >>> (16 - bits);
}
