import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NftError, type NftFailure } from '../../src/nft/run.ts';
import { isDrift } from '../../src/sync/learn.ts';

suite('a failure shows that the kernel holds other things', () => {
  for (const [failure, message, expected] of [
    ['not-found', 'Could not process rule: No such file or directory', true],
    ['refused', 'Could not process rule: File exists', true],
    ['refused', 'Could not process rule: Invalid argument', false],
    ['unknown-outcome', 'killed; before that: File exists', false],
  ] satisfies readonly (readonly [NftFailure, string, boolean])[]) {
    test(`${failure}, ${message}: ${expected ? 'yes' : 'no'}`, () => {
      assert.equal(isDrift(new NftError(failure, message)), expected);
    });
  }

  test('not one that is not nft’s', () => assert.equal(isDrift(new Error('File exists')), false));
});
