import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Service } from '../../src/objects/service.ts';
import { floodTcp } from '../netns/clients.ts';
import { floodUdp } from '../netns/flood.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { onTcp, startServers } from '../netns/servers.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { WeighedService } from './weighed-service.ts';

/** The longest there is: what really passes meanwhile is no step. */
const SLOW_START = 3600;

/** So many TCP connections and flows of UDP at a time, again and again until there were so many changes. */
const TCP_CONNECTIONS = 300;
const UDP_FLOWS = 20_000;
/** Masqueraded flows to an endpoint share the node's 64,000 ports, until conntrack forgets them. */
const MASQUERADED_FLOWS = 2_000;
const CHANGES = 12;

/** So many that a table of hashes has twice the slots with all of them. */
const PODS = 20;

const podsOf = (first: string) => Array.from({ length: PODS }, (_, n) => `${first}${21 + n}`);

const FAMILIES = {
  ip: {
    clusterIp: '10.96.0.10',
    external: '203.0.113.1',
    node: NODE.ip4,
    remote: '10.33.1.0',
    client: '198.18.0.1',
    pods: podsOf('10.32.0.'),
  },
  ip6: {
    clusterIp: 'fd00:96::10',
    external: '2001:db8:113::1',
    node: NODE.ip6,
    remote: 'fd00:33::100',
    client: '2001:db8:18::1',
    pods: podsOf('fd00:32::'),
  },
} as const;

const NODE_PORT = 30_080;

interface Case {
  readonly title: string;
  readonly family: keyof typeof FAMILIES;
  readonly at: 'clusterIp' | 'external' | 'node';
  readonly from: 'remote' | 'client';
  readonly lbAlgorithm: 'random' | 'client-hash' | 'connection-hash';
  readonly changes?: Partial<Service>;
}

const CASES: readonly Case[] = [
  { title: 'random, at a node port', family: 'ip6', at: 'node', from: 'remote', lbAlgorithm: 'random' },
  {
    title: 'random, with session affinity',
    family: 'ip',
    at: 'clusterIp',
    from: 'remote',
    lbAlgorithm: 'random',
    changes: { affinitySeconds: 10_800 },
  },
  { title: 'client-hash', family: 'ip', at: 'clusterIp', from: 'remote', lbAlgorithm: 'client-hash' },
  {
    title: 'connection-hash, at an external IP with policy Local',
    family: 'ip6',
    at: 'external',
    from: 'client',
    lbAlgorithm: 'connection-hash',
    changes: { externalLocal: true },
  },
];

/** Endpoints beside those of the stable slice: up and down, by one and by many, also across the size of a table. */
const SIZES = [1, 0, 5, 15, 16, 14, 17, 3, 18, 2, 9, 16, 15, 0, 17, 1, 12];

/** Of "10.32.0.21:8080", "[fd00:32::21]:8080", or an address alone. */
const addressOf = (endpoint: string) => endpoint.replace(/^\[?(.*?)\]?(?::8080)?$/, '$1');

describe('with weights and slow start, while endpoints come and go and weights change,', () => {
  let world: World;
  let servers: RunningHelper;
  const directory = mkdtempSync(join(tmpdir(), 'kpn-churn-'));

  before(async () => {
    world = createWorld({ remote: true });
    const pods = Object.values(FAMILIES).flatMap((family) => family.pods);
    servers = await startServers(world, 'pods', onTcp(pods));
  });

  after(async () => {
    await servers.stop();
    world.remove();
    rmSync(directory, { recursive: true });
  });

  for (const { title, family, at, from, lbAlgorithm, changes } of CASES) {
    it(`no new connection is lost: ${title}`, async (t) => {
      const { pods, clusterIp, external, node, ...sources } = FAMILIES[family];
      // Every second one is on this node; with policy Local only these serve.
      const here = pods.filter((_, n) => n % 2 === 0);
      const address = FAMILIES[family][at];
      const port = at === 'node' ? NODE_PORT : 80;
      const flows = at === 'node' ? MASQUERADED_FLOWS : UDP_FLOWS;
      const served = new WeighedService(
        {
          nft: nftIn(world.namespace('node'), directory, family),
          family,
          here,
          nodePort: { port: NODE_PORT, networks: [`${node}/${family === 'ip' ? 32 : 128}`] },
          changes: {
            clusterIps: [clusterIp],
            externalIps: [external],
            options: { lbAlgorithm, slowStartSeconds: SLOW_START },
            ...changes,
          },
        },
        ['stable', 9, pods.slice(0, 2)],
        ['canary', 1, []],
      );
      await served.whenInSync();
      let flooding = true;
      let rounds = 0;
      const flood = async () => {
        const results: { readonly failed: number; readonly endpoints: Record<string, number> }[] = [];
        const to = { address, port, source: sources[from], sources: 64 };
        while (rounds < CHANGES) {
          results.push(await floodUdp(world, from, { destination: address, port, flows }));
          results.push(await floodTcp(world, from, { ...to, connections: TCP_CONNECTIONS }));
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
        // Drained now and then: whoever is bound there has to move.
        const stable = rounds % 4 === 3 ? 0 : (7 * rounds) % 40;
        await served.write(['stable', stable, pods.slice(0, 2)], ['canary', (3 * rounds) % 11, others]);
        // Not all endpoints are at their full share when the next ones come.
        await served.pass((SLOW_START / 8) * (rounds % 4));
      }
      const results = await flooded;
      served.stop();
      const floods = results.length / 2;
      t.diagnostic(`${rounds} changes in ${floods} times ${flows} UDP flows and ${TCP_CONNECTIONS} TCP connections`);
      const lossy = results.filter(({ failed }) => failed > 0);
      assert.deepEqual(lossy, []);
      const met = new Set(results.flatMap(({ endpoints }) => Object.keys(endpoints).map(addressOf)));
      const usable = changes?.externalLocal ? here : pods;
      assert.deepEqual(
        [...met].filter((pod) => !usable.includes(pod)),
        [],
      );
      t.diagnostic(`${met.size} endpoints met`);
      assert.ok(met.size >= usable.length / 2, `${[...met]}`);
      assert.deepEqual(served.warnings, []);
    });
  }
});
