import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ApiServerProcess } from './api-server-process.ts';
import { Daemon } from './daemon.ts';
import { type RawObject, serviceObjects } from './manifests.ts';

const WEB = { ip4: '10.96.0.80', ip6: 'fd00:96::80' };
const PODS = [21, 22, 23].map((n) => ({ ip4: `10.32.0.${n}`, ip6: `fd00:32::${n}` }));

function web(pods: number): readonly RawObject[] {
  const ports = [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }];
  return serviceObjects({ name: 'web', clusterIps: WEB, ports, endpoints: PODS.slice(0, pods) });
}

describe('a node fed by an API server', () => {
  let world: World;
  let servers: RunningHelper;
  let daemon: Daemon;
  let apiServer: ApiServerProcess;

  before(async () => {
    world = createWorld();
    servers = await startServers(
      world,
      'pods',
      PODS.map(({ ip4 }) => ({ protocol: 'tcp', address: ip4, port: 8080 })),
    );
    apiServer = new ApiServerProcess(world);
    await apiServer.start(web(3));
    daemon = new Daemon(world, ['--kubeconfig', apiServer.kubeconfig]);
    await daemon.start();
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    apiServer[Symbol.dispose]();
    world.remove();
  });

  const endpoints = async () =>
    Object.keys(tally(await connectTcp(world, 'client', { address: WEB.ip4, port: 80, count: 60 }))).sort();

  it('connects clients to the ready pods', async () => {
    await daemon.untilDump(/goto pick-tcp-4/);
    assert.deepEqual(await endpoints(), ['10.32.0.21:8080', '10.32.0.22:8080', '10.32.0.23:8080']);
  });

  it('follows changes', async () => {
    apiServer.put(web(1));
    await daemon.untilDump(/10\.96\.0\.80 .* goto pick-tcp-1/);
    assert.deepEqual(await endpoints(), ['10.32.0.21:8080']);
  });

  it('goes on serving while the API server is away, says so once, and catches up when it is back', async () => {
    await apiServer.kill();
    await daemon.untilLog(/W.*E_API_UNREACHABLE/);
    assert.deepEqual(await endpoints(), ['10.32.0.21:8080']);
    // Another server at the same address, with new certificates and no memory of our resourceVersion.
    await apiServer.start(web(2));
    await daemon.untilDump(/10\.96\.0\.80 .* goto pick-tcp-2/);
    assert.deepEqual(await endpoints(), ['10.32.0.21:8080', '10.32.0.22:8080']);
  });

  it('starts over the rules of the last run while the API server is away, and leaves them alone until it has answered', async () => {
    await daemon.stop();
    await apiServer.kill();
    const before = world.nodeShell('nft list ruleset');
    const starting = daemon.start();
    await daemon.untilLog(/W.*E_API_UNREACHABLE/);
    assert.equal(world.nodeShell('nft list ruleset'), before);
    assert.deepEqual(await endpoints(), ['10.32.0.21:8080', '10.32.0.22:8080']);
    await apiServer.start(web(2));
    await starting;
    assert.match(daemon.log, /up to date family="ip" written=0/);
  });
});
