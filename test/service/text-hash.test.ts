import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { textHash } from '../../src/service/text-hash.ts';

suite('the hash of a text', () => {
  // Of other programs: FNV-1a with 32 bits, and fmix32 of MurmurHash3.
  for (const [text, hash] of [
    ['', 2_872_998_923],
    ['a', 444_641_715],
    ['10.0.0.1', 2_931_590_574],
  ] as const) {
    test(`is the same on every node and in every version: '${text}'`, () => assert.equal(textHash(text), hash));
  }

  test('differs in all bits where texts differ in the last letter', () => {
    const hashes = Array.from({ length: 256 }, (_, i) => textHash(`10.0.0.${i}`));
    for (let bit = 0; bit < 32; bit++) {
      const set = hashes.filter((hash) => (hash >>> bit) & 1).length;
      assert.ok(set > 64 && set < 192, `bit ${bit} is set in ${set} of 256`);
    }
  });
});
