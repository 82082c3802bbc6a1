import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Service } from '../../src/objects/service.ts';
import { connectTcp, floodTcp } from '../netns/clients.ts';
import { floodUdp } from '../netns/flood.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { onTcp, startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { WeighedService, type WeighedSlice } from './weighed-service.ts';

const SERVICE = '10.96.0.10';
const PODS = Array.from({ length: 6 }, (_, i) => `10.32.0.${21 + i}`);
const [STABLE = '', CANARY = ''] = PODS;
/** The longest there is: what really passes meanwhile is no step. */
const SLOW_START = 3600;

/** Six standard deviations: less than one run in 500 million is outside by chance. */
const within = (count: number, draws: number, share: number) =>
  Math.abs(count - draws * share) <= 6 * Math.sqrt(draws * share * (1 - share));

describe('new connections by weight', () => {
  let world: World;
  let servers: RunningHelper;
  const running: WeighedService[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'kpn-weights-'));

  before(async () => {
    world = createWorld({ remote: true });
    servers = await startServers(world, 'pods', onTcp(PODS));
  });

  afterEach(() => {
    for (const served of running.splice(0)) served.stop();
  });

  after(async () => {
    await servers.stop();
    world.remove();
    rmSync(directory, { recursive: true });
  });

  /** One Service in the kernel: what each slice weighs, and the pods in it. */
  async function serve(changes: Partial<Service>, ...slices: readonly WeighedSlice[]): Promise<WeighedService> {
    const served = new WeighedService({ nft: nftIn(world.namespace('node'), directory, 'ip'), changes }, ...slices);
    running.push(served);
    await served.whenInSync();
    return served;
  }

  /** How many slots each pod has in the kernel. */
  const slotsOf = ({ table }: WeighedService) => {
    const listed = world.nodeShell(`nft list map ip ${table} endpoints-udp`);
    return PODS.map((pod) => listed.split(` : ${pod} . 8080`).length - 1);
  };

  const countOf = (endpoints: Readonly<Record<string, number>>, pod: string) =>
    Object.entries(endpoints).reduce(
      (sum, [name, count]) => sum + (name.startsWith(`${pod}:`) || name === pod ? count : 0),
      0,
    );

  it('are shared 9 : 1 among a stable version and its canary, and none goes to what is drained', async (t) => {
    const served = await serve({}, ['stable', 9, [STABLE]], ['canary', 1, [CANARY]]);
    const udp = await floodUdp(world, 'remote', { destination: SERVICE, port: 80, flows: 10_000 });
    const drawn = countOf(udp.endpoints, CANARY);
    t.diagnostic(`of 10,000 draws ${drawn} for the canary, 1,000 expected`);
    assert.equal(udp.failed, 0, JSON.stringify(udp));
    assert.ok(within(drawn, 10_000, 0.1), `${drawn}`);
    const to = { address: SERVICE, port: 80, source: '10.33.1.0', sources: 64 };
    const tcp = await floodTcp(world, 'remote', { ...to, connections: 2000 });
    assert.equal(tcp.failed, 0, JSON.stringify(tcp));
    t.diagnostic(`of 2,000 TCP connections ${countOf(tcp.endpoints, CANARY)} to the canary, 200 expected`);
    assert.ok(within(countOf(tcp.endpoints, CANARY), 2000, 0.1), JSON.stringify(tcp.endpoints));
    await served.write(['canary', 0, [CANARY]]);
    const drained = await floodTcp(world, 'remote', { ...to, connections: 300 });
    assert.deepEqual([drained.failed, countOf(drained.endpoints, STABLE)], [0, 300]);
    await served.write(['stable', 0, [STABLE]]);
    const none = await floodTcp(world, 'remote', { ...to, connections: 300 });
    assert.equal(none.failed, 0);
    assert.ok(within(countOf(none.endpoints, CANARY), 300, 0.5), 'all drained: as without weights');
    assert.deepEqual(served.warnings, []);
  });

  it('with session affinity the first of a client is', async () => {
    const served = await serve({ affinitySeconds: 600 }, ['stable', 9, [STABLE]], ['canary', 1, [CANARY]]);
    const clients = { address: SERVICE, port: 80, count: 500, source: '10.33.1.0', sources: 500 };
    const podsOfClients = async () =>
      (await connectTcp(world, 'remote', clients)).map((outcome) =>
        'error' in outcome ? assert.fail(outcome.error) : outcome.endpoint,
      );
    const first = await podsOfClients();
    const drawn = first.filter((endpoint) => endpoint.startsWith(`${CANARY}:`)).length;
    assert.ok(within(drawn, clients.count, 0.1), `${drawn}`);
    assert.deepEqual(await podsOfClients(), first, 'and it stays there');
    assert.deepEqual(served.warnings, []);
  });

  it('go to an endpoint that begins slowly in eighths, step by step', async () => {
    const served = await serve({ options: { slowStartSeconds: SLOW_START } }, ['web', 1, PODS.slice(0, 2)]);
    assert.deepEqual(slotsOf(served), [1, 1, 0, 0, 0, 0], 'at the start all are old');
    await served.write(['web', 1, PODS.slice(0, 3)]);
    const seen: (number | undefined)[] = [];
    for (let turn = 0; turn <= 16 && seen.at(-1) !== 8; turn++) {
      const [old, , young] = slotsOf(served);
      seen.push(old === 1 ? 8 : young);
      await served.pass(SLOW_START / 8);
    }
    assert.deepEqual([...new Set(seen)], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(slotsOf(served), [1, 1, 1, 0, 0, 0]);
    assert.deepEqual(served.warnings, []);
  });
});
