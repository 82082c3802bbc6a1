import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { FAMILIES } from '../../src/ip.ts';
import { clusterChange } from '../builders/cluster-changes.ts';
import { clusterWith, podNetwork } from '../builders/models.ts';
import { startSyncer } from '../builders/syncers.ts';
import { TestKernel } from '../netns/kernel.ts';

const POD_CIDRS = { ip: '10.32.0.0/16', ip6: 'fd00:32::/64' };

describe('the kernel after any sequence of changes', () => {
  for (const family of FAMILIES) {
    it(`lists just what the model holds, and a fresh start finds nothing to write (${family})`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(clusterChange, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
          async (steps) => {
            using kernel = new TestKernel();
            const cluster = clusterWith();
            const model = podNetwork([POD_CIDRS[family]]);
            const proxy = startSyncer(kernel.nft(family), cluster, { family, model });
            await proxy.syncer.whenInSync();
            for (const step of steps) await proxy.apply(...step);
            await proxy.assertInSync();
            await proxy.stop();
            assert.doesNotMatch(proxy.lines.join('\n'), /^E/m);

            const again = startSyncer(kernel.nft(family), cluster, { family, model });
            await again.syncer.whenInSync();
            await again.stop();
            assert.match(again.lines.join('\n'), /up to date .*written=0/);
          },
        ),
        { numRuns: 12, endOnFailure: true },
      );
    });
  }
});
