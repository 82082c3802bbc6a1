import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DryRuns } from '../../src/nft/dry-runs.ts';
import { handlesIn, RulesLister } from '../../src/nft/rules-lister.ts';
import { KnownRules } from '../../src/sync/known-rules.ts';
import { podNetwork } from '../builders/models.ts';
import { HTTP, ready, service, slice, slicePort } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { floodTcp } from '../netns/clients.ts';
import { floodUdp } from '../netns/flood.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { inNamespace } from '../netns/namespaces.ts';
import { onTcp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';

const TABLE = 'kube-proxy-nft';
const SERVICE = '10.96.0.10';
const PODS = ['10.32.0.21', '10.32.0.22', '10.32.0.23'];

describe('dry runs that delete all our rules', () => {
  let world: World;
  let servers: RunningHelper;
  const directory = mkdtempSync(join(tmpdir(), 'kpn-dry-runs-'));

  before(async () => {
    world = createWorld({ remote: true });
    servers = await startServers(world, 'pods', onTcp(PODS));
  });

  after(async () => {
    await servers.stop();
    world.remove();
    rmSync(directory, { recursive: true });
  });

  it('lose no connection that is made meanwhile', async (t) => {
    const ports = (['tcp', 'udp'] as const).map((protocol) => ({ ...HTTP, protocol, name: protocol }));
    const slicePorts = ports.map(({ name, protocol }) => slicePort({ name, protocol }));
    const endpoints = PODS.map((address) => ready(address));
    const objects = [service({ ports, affinitySeconds: 60 }), slice(endpoints, { ports: slicePorts })];
    const nft = nftIn(world.namespace('node'), directory, 'ip');
    const { model, syncer, stop, log } = startSyncer(nft, objects, {
      watch: false,
      model: podNetwork([CLUSTER_CIDR.ip4]),
    });
    await syncer.whenInSync();
    await stop();

    const path = join(directory, 'nft');
    const real = inNamespace(world.namespace('node'), ['nft']).join(' ');
    writeFileSync(path, `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o700 });
    const runs = new DryRuns({ nft: path, runDir: directory, log });
    const handles = handlesIn(await new RulesLister().list(nft, 0, 0), 'ip', TABLE);
    const known = new KnownRules(model.program);
    known.learn(TABLE, model.ruleset, handles);
    const rules = [...handles.values()].flat().length;
    const run = known.next(TABLE, model.ruleset);
    assert.equal(run?.document.match(/delete rule/g)?.length, rules);
    let isOver = false;
    const floods = Promise.all([
      floodTcp(world, 'remote', { address: SERVICE, port: 80, source: '10.33.1.0', sources: 64, connections: 5000 }),
      floodUdp(world, 'remote', { destination: SERVICE, port: 80, flows: 200_000 }),
    ]).finally(() => {
      isOver = true;
    });
    let count = 0;
    for (; !isOver; count++) await runs.check(run?.document ?? assert.fail());
    const [tcp, udp] = await floods;
    runs.close();
    t.diagnostic(`${count} dry runs of ${rules} rules during ${tcp.connections} connections and ${udp.sent} flows`);
    assert.ok(count > 20, `${count}`);
    assert.equal(tcp.failed, 0, JSON.stringify(tcp));
    assert.equal(udp.failed, 0, JSON.stringify(udp));
    assert.deepEqual(handlesIn(await new RulesLister().list(nft, 0, 0), 'ip', TABLE), handles);
  });
});
