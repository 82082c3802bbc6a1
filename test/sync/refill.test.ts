import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Nft } from '../../src/nft/nft.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { eventually } from '../builders/eventually.ts';
import { clusterWith } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { TestKernel } from '../netns/kernel.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

const MANY = 2000;

/** A Service of two endpoints, of which the second is `last`. */
function addTo(cluster: Cluster, namespace: string, i: number, last = '10.33.0.1'): readonly string[] {
  const name = `s-${i}`;
  cluster.set(service({ namespace, name, clusterIps: [`10.96.${i >> 8}.${i & 255}`] }));
  const endpoints = [ready(`10.32.${i >> 8}.${i & 255}`), ready(last)];
  return cluster.set(slice(endpoints, { namespace, name: `${name}-1`, serviceName: name }));
}

/** Many Services of one tenant, and one of another. */
function twoTenants(): Cluster {
  const cluster = clusterWith();
  for (let i = 1; i <= MANY; i++) addTo(cluster, 'many', i);
  addTo(cluster, 'few', MANY + 1);
  return cluster;
}

suite('a table that was lost', () => {
  test('serves while it is filled, and a change meanwhile does not wait for the rest', async () => {
    using kernel = new TestKernel();
    const real = kernel.nft('ip');
    const documents: string[] = [];
    const isHeld = Promise.withResolvers<void>();
    const goesOn = Promise.withResolvers<void>();
    let isLost = false;
    const nft: Nft = {
      ...real,
      apply: async (json) => {
        if (isLost) documents.push(json);
        // After the hooks, and the first Services in two parts.
        if (documents.length === 4) {
          isHeld.resolve();
          await goesOn.promise;
        }
        await real.apply(json);
      },
    };
    const cluster = twoTenants();
    using proxy = await startRichProxy(kernel, { cluster, nft });
    const before = proxy.listing();
    isLost = true;
    kernel.byHand('flush', 'ruleset');
    proxy.syncer.look('a test');
    await isHeld.promise;
    const half = kernel.byHand('list', 'table', 'ip', TABLE).stdout;
    assert.match(half, /type nat hook prerouting/);
    const served = half.match(/goto pick-tcp-2/g)?.length ?? 0;
    assert.ok(served > 0 && served < MANY, `${served}`);
    proxy.syncer.changed(addTo(cluster, 'few', MANY + 1, '10.33.0.9'));
    goesOn.resolve();
    await proxy.syncer.whenInSync();
    const at = documents.findIndex((json) => json.includes('10.33.0.9'));
    assert.ok(at >= 4 && at <= 6, `${at} of ${documents.length}`);
    assert.ok(documents.length > 7, `${documents.length}`);
    proxy.syncer.changed(addTo(cluster, 'few', MANY + 1));
    await proxy.becomes(before);
  });

  test('is built beside what nft left of it where filling it fails', async () => {
    using kernel = new TestKernel();
    const real = kernel.nft('ip');
    let failsAt = Number.POSITIVE_INFINITY;
    const nft: Nft = {
      ...real,
      apply: async (json) => {
        if (--failsAt === 0) return real.apply('{"nftables":[{"add":{"rule":{"family":"ip","table":"none"}}}]}');
        return real.apply(json);
      },
    };
    using proxy = await startRichProxy(kernel, { nft });
    const before = proxy.listing();
    failsAt = 2;
    kernel.byHand('flush', 'ruleset');
    proxy.syncer.look('a test');
    await eventually(
      () => failsAt < 0 && proxy.syncer.table !== undefined,
      () => proxy.lines.join('\n'),
    );
    await proxy.becomes(before);
  });
});
