import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import { podNetwork } from '../builders/models.ts';
import { HTTP, ready, service, slice, slicePort } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { floodTcp } from '../netns/clients.ts';
import { floodUdp } from '../netns/flood.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { onTcp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';

const SERVICE = '10.96.0.10';
const UDP_FLOWS = 1_000_000;
const TCP_CONNECTIONS = 20_000;
const PODS = Array.from({ length: 12 }, (_, i) => `10.32.0.${21 + i}`);

/** Sizes to go through: up, down, across powers of two, by one and by many. Never zero. */
const SIZES = [1, 2, 3, 4, 5, 8, 9, 12, 9, 8, 7, 4, 3, 2, 1, 12, 1, 5, 2, 8, 1, 9, 3, 12, 4, 2];

describe('new connections while endpoints come and go', () => {
  let world: World;
  let servers: RunningHelper;
  const directory = mkdtempSync(join(tmpdir(), 'kpn-churn-'));

  before(async () => {
    world = createWorld({ remote: true });
    servers = await startServers(world, 'pods', onTcp(PODS));
  });

  after(async () => {
    await servers.stop();
    world.remove();
    rmSync(directory, { recursive: true });
  });

  /** Changes the Service's endpoints as fast as the kernel takes it while a flood goes on; tells how often. */
  async function churnDuring<Result>(flood: () => Promise<Result>): Promise<{ rounds: number; result: Result }> {
    const ports = (['tcp', 'udp'] as const).map((protocol) => ({ ...HTTP, protocol, name: protocol }));
    const slicePorts = ports.map(({ name, protocol }) => slicePort({ name, protocol }));
    const endpoints = (round: number): readonly SliceEndpoint[] => {
      const size = SIZES[round % SIZES.length] ?? 1;
      // Which pods those are changes, too.
      return Array.from({ length: size }, (_, i) => ready(PODS[(i + round * 5) % PODS.length] ?? ''));
    };
    const nft = nftIn(world.namespace('node'), directory, 'ip');
    const objects = [service({ ports }), slice(endpoints(0), { ports: slicePorts })];
    const proxy = startSyncer(nft, objects, { model: podNetwork([CLUSTER_CIDR.ip4]) });
    await proxy.syncer.whenInSync();
    let flooding = true;
    const flooded = flood().finally(() => {
      flooding = false;
    });
    let rounds = 0;
    while (flooding) {
      rounds++;
      await proxy.set(slice(endpoints(rounds), { ports: slicePorts }));
    }
    const result = await flooded;
    await proxy.stop();
    assert.deepEqual(proxy.complaints(), []);
    return { rounds, result };
  }

  it(`UDP: of ${UDP_FLOWS.toLocaleString('en')} new flows none is lost`, async (t) => {
    const { rounds, result } = await churnDuring(() =>
      floodUdp(world, 'remote', { destination: SERVICE, port: 80, flows: UDP_FLOWS }),
    );
    t.diagnostic(`${rounds} changes during ${result.sent} flows at ${Math.round(result.rate)} a second`);
    assert.equal(result.failed, 0, JSON.stringify(result));
    assert.equal(result.sent, UDP_FLOWS);
    assert.ok(rounds > 20);
    assert.equal(Object.keys(result.endpoints).length, PODS.length);
  });

  it(`TCP: of ${TCP_CONNECTIONS.toLocaleString('en')} complete connections none fails`, async (t) => {
    const target = { address: SERVICE, port: 80, source: '10.33.1.0', sources: 64 };
    const { rounds, result } = await churnDuring(() =>
      floodTcp(world, 'remote', { ...target, connections: TCP_CONNECTIONS }),
    );
    t.diagnostic(`${rounds} changes during ${result.connections} connections at ${Math.round(result.rate)} a second`);
    assert.equal(result.failed, 0, JSON.stringify(result));
    assert.ok(rounds > 10);
  });
});
