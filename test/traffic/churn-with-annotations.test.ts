import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { floodTcp } from '../netns/clients.ts';
import { floodUdp } from '../netns/flood.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { onTcp, startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { WeighedService } from './weighed-service.ts';

/** The longest there is: what really passes meanwhile is no step. */
const SLOW_START = 3600;

/** So many at a time, again and again until there were so many changes. */
const UDP_FLOWS = 20_000;
const TCP_CONNECTIONS = 300;
const CHANGES = 16;

/** So many that a table of hashes has twice the slots with all of them. */
const PODS = 20;

const FAMILIES = {
  ip: { service: '10.96.0.10', client: '10.33.1.0', pod: (n: number) => `10.32.0.${21 + n}` },
  ip6: { service: 'fd00:96::10', client: 'fd00:33::100', pod: (n: number) => `fd00:32::${21 + n}` },
} as const;

/** Endpoints beside those of the stable slice: up and down, by one and by many, also across the size of a table. */
const SIZES = [1, 0, 5, 15, 16, 14, 17, 3, 18, 2, 9, 16, 15, 0, 17, 1, 12];

describe('with weights and slow start, while endpoints come and go and weights change,', () => {
  let world: World;
  let servers: RunningHelper;
  const directory = mkdtempSync(join(tmpdir(), 'kpn-churn-'));

  before(async () => {
    world = createWorld({ remote: true });
    const pods = Object.values(FAMILIES).flatMap(({ pod }) => Array.from({ length: PODS }, (_, n) => pod(n)));
    servers = await startServers(world, 'pods', onTcp(pods));
  });

  after(async () => {
    await servers.stop();
    world.remove();
    rmSync(directory, { recursive: true });
  });

  for (const [lbAlgorithm, family] of [
    ['random', 'ip'],
    ['client-hash', 'ip6'],
    ['connection-hash', 'ip'],
  ] as const) {
    it(`no new connection is lost by lb-algorithm ${lbAlgorithm}`, async (t) => {
      const { service, client, pod } = FAMILIES[family];
      const pods = Array.from({ length: PODS }, (_, n) => pod(n));
      const nft = nftIn(world.namespace('node'), directory, family);
      const changes = { clusterIps: [service], options: { lbAlgorithm, slowStartSeconds: SLOW_START } };
      const served = new WeighedService({ nft, family, changes }, ['stable', 9, pods.slice(0, 2)], ['canary', 1, []]);
      await served.whenInSync();
      let flooding = true;
      let rounds = 0;
      const flood = async () => {
        const results: { readonly failed: number; readonly endpoints: Record<string, number> }[] = [];
        const to = { address: service, port: 80, source: client, sources: 64 };
        while (rounds < CHANGES) {
          results.push(await floodUdp(world, 'remote', { destination: service, port: 80, flows: UDP_FLOWS }));
          results.push(await floodTcp(world, 'remote', { ...to, connections: TCP_CONNECTIONS }));
        }
        return results;
      };
      const flooded = flood().finally(() => {
        flooding = false;
      });
      for (; flooding; rounds++) {
        const size = SIZES[rounds % SIZES.length] ?? 0;
        // Which pods those are changes, too.
        const others = Array.from({ length: size }, (_, i) => pods[2 + ((i + 5 * rounds) % (PODS - 2))] ?? '');
        await served.write(['stable', (7 * rounds) % 40, pods.slice(0, 2)], ['canary', (3 * rounds) % 11, others]);
        // Not all endpoints are at their full share when the next ones come.
        await served.pass((SLOW_START / 8) * (rounds % 4));
      }
      const results = await flooded;
      served.stop();
      const floods = results.length / 2;
      t.diagnostic(
        `${rounds} changes in ${floods} times ${UDP_FLOWS} UDP flows and ${TCP_CONNECTIONS} TCP connections`,
      );
      const lossy = results.filter(({ failed }) => failed > 0);
      assert.deepEqual(lossy, []);
      assert.ok(new Set(results.flatMap(({ endpoints }) => Object.keys(endpoints))).size >= PODS / 2);
      assert.deepEqual(served.warnings, []);
    });
  }
});
