import { createHash } from 'node:crypto';

/**
 * Two published ways to fill a table of slots, to compare with ours (src/service/hash-table.ts): `Filling` for
 * scripts/bench/hash-tables.ts.
 */

/** For each slot, the index of its endpoint. The endpoints are given in sorted order. */
export type Filling = (names: readonly string[], slots: number) => Uint16Array;

/**
 * Maglev (Eisenbud et al., NSDI 2016, section 3.4): each endpoint has a permutation of the slots, from an offset and a
 * stride by its hash, and they take turns until the table is full. With a power of two of slots, an odd stride reaches all
 * of them.
 */
export const maglev: Filling = (names, slots) => {
  const table = new Uint16Array(slots);
  const isTaken = new Uint8Array(slots);
  const orders = names.map((name) => {
    const hash = hashOf(name);
    return { next: hash % slots, stride: (Math.floor(hash / slots) * 2 + 1) % slots };
  });
  for (let taken = 0; ; ) {
    for (const [place, order] of orders.entries()) {
      while (isTaken[order.next] === 1) order.next = (order.next + order.stride) % slots;
      isTaken[order.next] = 1;
      table[order.next] = place;
      if (++taken === slots) return table;
    }
  }
};

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998) with bounded loads (Mirrokni et al., 2018): each slot, in order, takes
 * the endpoint with the highest hash of both that has fewer than `1.07 * mean` slots, rounded down, but at least the mean,
 * rounded up.
 */
export const boundedRendezvous: Filling = (names, slots) => {
  const mean = slots / names.length;
  const most = Math.max(Math.floor(1.07 * mean), Math.ceil(mean));
  const hashes = names.map(hashOf);
  const loads = new Uint32Array(names.length);
  return Uint16Array.from({ length: slots }, (_, slot) => {
    let best = -1;
    let highest = -1;
    for (const [place, hash] of hashes.entries()) {
      if ((loads[place] ?? 0) >= most) continue;
      const score = mixed(hash ^ mixed(slot + 1));
      if (score <= highest) continue;
      highest = score;
      best = place;
    }
    loads[best] = (loads[best] ?? 0) + 1;
    return best;
  });
};

/** 32 bits of a cryptographic hash, so that the results do not depend on the quality of the hash. */
function hashOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32LE();
}

/** Spreads a change of any bit over all 32 (the finalizer of MurmurHash3). */
function mixed(number: number): number {
  let bits = number;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
