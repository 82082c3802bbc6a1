import { addressBytes } from '../ip.ts';

/** JHASH_INITVAL of the kernel (include/linux/jhash.h). */
const INITIAL = 0xdeadbeef;

/**
 * The number that `jhash ip saddr mod N seed S` gives for an address: the kernel's jhash of its bytes on a little-endian
 * machine, scaled to 0 … mod-1 (nft_jhash_eval, reciprocal_scale).
 */
export function clientHash(address: string, mod: number, seed: number): number {
  return Number((BigInt(jhash(addressBytes(address), seed)) * BigInt(mod)) >> 32n);
}

/** Of 4 or 16 bytes. */
function jhash(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number) => view.getUint32(offset, true);
  const start = (INITIAL + bytes.length + seed) | 0;
  let state: Words = [start, start, start];
  let offset = 0;
  for (; bytes.length - offset > 12; offset += 12) {
    const [a, b, c] = state;
    state = mix([(a + word(offset)) | 0, (b + word(offset + 4)) | 0, (c + word(offset + 8)) | 0]);
  }
  const [a, b, c] = state;
  return final([(a + word(offset)) | 0, b, c]);
}

type Words = readonly [a: number, b: number, c: number];

const turned = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

function mix([a, b, c]: Words): Words {
  const step = (x: number, y: number, z: number, bits: number) =>
    [((x - z) ^ turned(z, bits)) | 0, y, (z + y) | 0] as const;
  let [x, y, z] = [a, b, c];
  [x, y, z] = step(x, y, z, 4);
  [y, z, x] = step(y, z, x, 6);
  [z, x, y] = step(z, x, y, 8);
  [x, y, z] = step(x, y, z, 16);
  [y, z, x] = step(y, z, x, 19);
  [z, x, y] = step(z, x, y, 4);
  return [x, y, z];
}

function final([a, b, c]: Words): number {
  const step = (x: number, y: number, bits: number) => ((x ^ y) - turned(y, bits)) | 0;
  let [x, y, z] = [a, b, c];
  z = step(z, y, 14);
  x = step(x, z, 11);
  y = step(y, x, 25);
  z = step(z, y, 16);
  x = step(x, z, 4);
  y = step(y, x, 14);
  z = step(z, y, 24);
  return z >>> 0;
}
