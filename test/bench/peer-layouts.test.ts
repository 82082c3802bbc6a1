import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { PEER_TABLE, peerRuleset } from '../../scripts/bench/peer-layouts.ts';
import { TestKernel } from '../netns/kernel.ts';

suite('peerRuleset', () => {
  let kernel: TestKernel;
  before(() => {
    kernel = new TestKernel();
  });
  after(() => kernel[Symbol.dispose]());

  for (const [layout, chains] of [
    ['chain per endpoint', 7 + 7 * 3],
    ['chain per service', 7],
  ] as const) {
    test(`${layout}: nft loads it, with so many chains besides the fixed ones`, () => {
      kernel.load(peerRuleset(layout, { services: 7, endpoints: 3 }));
      const listing = kernel.byHand('list', 'table', 'ip', PEER_TABLE).stdout;
      kernel.byHand('delete', 'table', 'ip', PEER_TABLE);
      const names = [...listing.matchAll(/chain ((?:service|endpoint)-\S+\/tcp\/http\S*) \{/g)].map(([, name]) => name);
      assert.equal(names.length, chains);
      assert.equal(new Set(names).size, chains);
      assert.equal(listing.match(/goto service-/g)?.length, 7);
    });
  }
});
