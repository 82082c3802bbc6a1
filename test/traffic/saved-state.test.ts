import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestDaemon } from '../../src/control/control-socket.ts';
import { eventually } from '../builders/eventually.ts';
import { connectTcp, floodTcp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR, NODE, PODS } from '../netns/topology.ts';
import { createWorld, type Where, type World } from '../netns/world.ts';
import { ENDPOINTS, type EndpointName, TARGETS, type Target } from '../scenarios/runner/cast.ts';
import { node, type Objects, ready, service, slices } from '../scenarios/runner/objects.ts';
import { ApiServerProcess, asServed } from './api-server-process.ts';
import { Daemon } from './daemon.ts';

const VERSIONS = ['ip4', 'ip6'] as const;
const CHECK_PORT = 32_100;
const FLAGS = ['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`];

const THIS_NODE = node({ podCidrs: [PODS.ip4, PODS.ip6] });

/** A Service for load balancers, with an endpoint of this node that is no pod of its network, too. */
const web = (...pods: readonly EndpointName[]): Objects => [
  service('web', {
    loadBalancerIps: ['lb-ip'],
    spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: CHECK_PORT },
  }),
  slices(
    'web',
    pods.map((name) => ready(name)),
  ),
];
const named = (name: string, clusterIp: Target, ...pods: readonly EndpointName[]): Objects => [
  service(name, { clusterIp }),
  slices(
    name,
    pods.map((pod) => ready(pod)),
  ),
];

/** The cluster before the reboot, and what it has become meanwhile. */
const BEFORE = [THIS_NODE, ...web('here', 'there', 'host'), ...named('gone', 'cluster-ip-2', 'there')];
const AFTER = [THIS_NODE, ...web('here-2', 'there', 'there-2', 'host'), ...named('new', 'cluster-ip-3', 'here-2')];

/** A UDP flow of a client of the Service web to an endpoint that it has not. */
const STALE_FLOW = {
  original: ['-p', 'udp', '-s', '192.0.2.100', '-d', TARGETS['cluster-ip'].ip4, '--sport', '5000', '--dport', '80'],
  reply: ['-r', '10.32.0.77', '-q', '192.0.2.100', '--reply-port-src', '8080', '--reply-port-dst', '5000'],
};

describe('a node that was rebooted', () => {
  let world: World;
  let daemon: Daemon;
  let apiServer: ApiServerProcess;
  const stateDir = mkdtempSync(join(tmpdir(), 'kpn-state-'));
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true });
    for (const where of ['pods', 'remote', 'node'] as const) {
      const names = (Object.keys(ENDPOINTS) as EndpointName[]).filter((name) => ENDPOINTS[name].place === where);
      const servers = names.flatMap((name) =>
        VERSIONS.map((version) => ({ protocol: 'tcp' as const, address: ENDPOINTS[name][version], port: 8080 })),
      );
      running.push(await startServers(world, where, servers));
    }
    apiServer = new ApiServerProcess(world);
    await apiServer.start(asServed(BEFORE));
    daemon = new Daemon(world, ['--kubeconfig', apiServer.kubeconfig]);
    await daemon.start([...FLAGS, '--state-dir', stateDir]);
    assert.equal(await daemon.stop(), 0);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    apiServer[Symbol.dispose]();
    world.remove();
    rmSync(stateDir, { recursive: true });
  });

  /** The kernel as after a reboot. */
  async function reboot(): Promise<void> {
    await daemon.stop();
    for (const family of ['ip', 'ip6']) {
      await world.exec('node', ['nft', 'delete', 'table', family, 'kube-proxy-nft'], { allowFailure: true });
    }
    await world.exec('node', ['conntrack', '-F'], { allowFailure: true });
  }

  const at = (name: EndpointName, version: (typeof VERSIONS)[number]) =>
    version === 'ip4' ? `${ENDPOINTS[name].ip4}:8080` : `[${ENDPOINTS[name].ip6}]:8080`;

  /** Who answers at an address, in both families; "refused" or the like for nobody. */
  async function assertServed(from: Where, target: Target, by: readonly EndpointName[] | string): Promise<void> {
    for (const version of VERSIONS) {
      const outcomes = await connectTcp(world, from, { address: TARGETS[target][version], port: 80, count: 40 });
      const expected = typeof by === 'string' ? [by] : by.map((name) => at(name, version)).sort();
      assert.deepEqual(Object.keys(tally(outcomes)).sort(), expected, `${target} ${version}`);
    }
  }

  const get = async (port: number, path: string) =>
    (await world.exec('node', ['curl', '-sS', '-m', '10', '-w', '\n%{http_code}', `http://${NODE.ip4}:${port}${path}`]))
      .stdout;
  const metrics = async () => (await world.exec('node', ['curl', '-sS', 'http://127.0.0.1:10249/metrics'])).stdout;
  const state = async () => JSON.parse(`${await requestDaemon(join(daemon.directory, 'run'), '/state')}`);
  const hasStaleFlow = async () =>
    (await world.exec('node', ['conntrack', '-L', ...STALE_FLOW.original], { allowFailure: true })).stdout !== '';

  it('serves what it last knew while the API server is away, and says so', async () => {
    await apiServer.kill();
    await reboot();
    daemon.launch([...FLAGS, '--state-dir', stateDir]);
    await daemon.untilLog(/the Services of the saved state are programmed/);
    assert.match(daemon.log, /W.*serving from the state of .* until it answers services=2 leftOutPodsOfThisNode=2/);
    // Its own pod is gone, and its address may be another's.
    await assertServed('client', 'cluster-ip', ['there', 'host']);
    await assertServed('client', 'cluster-ip-2', ['there']);

    assert.match(await get(10_256, '/healthz'), /"healthy":true,"staleSince":"20.*\n200$/);
    assert.match(await get(10_256, '/livez'), /\n200$/);
    // It has an endpoint, but load balancers are to go elsewhere.
    assert.match(await get(CHECK_PORT, '/'), /"localEndpoints": 1,\n\t"serviceProxyHealthy": false[\s\S]*\n503$/);
    assert.match(await metrics(), /kubeproxy_nft_state_served_since_timestamp_seconds 1\d{9}/);
    const { servedSince, staleSince } = await state();
    assert.ok(Date.parse(staleSince) <= Date.parse(servedSince));
    assert.match(await daemon.dump(), /from API server https.*, as saved at 20.*: it cannot be reached/);
  });

  it('goes over to what the API server says when it answers, without a gap for endpoints that stay', async () => {
    await world.exec('node', ['conntrack', '-I', ...STALE_FLOW.original, ...STALE_FLOW.reply, '-t', '300']);
    const stays = { address: TARGETS['cluster-ip'].ip4, port: 80, connections: 20_000, concurrency: 8 };
    const flood = floodTcp(world, 'client', stays);
    await sleep(500);
    assert.ok(await hasStaleFlow(), 'nothing of conntrack is cleaned up by a state that is saved');
    await apiServer.start(asServed(AFTER));
    await daemon.untilLog(/\] ready: /);
    const { failed, failures, answered } = await flood;
    assert.equal(failed, 0, JSON.stringify(failures));
    assert.equal(answered, 20_000);

    await assertServed('client', 'cluster-ip', ['here-2', 'there', 'there-2', 'host']);
    await assertServed('client', 'cluster-ip-3', ['here-2']);
    assert.doesNotMatch(await daemon.dump(), /default\/gone|as saved at/);
    assert.doesNotMatch(await get(10_256, '/healthz'), /staleSince/);
    assert.match(await get(CHECK_PORT, '/'), /"localEndpoints": 2,\n\t"serviceProxyHealthy": true[\s\S]*\n200$/);
    assert.match(await metrics(), /kubeproxy_nft_state_served_since_timestamp_seconds 0\n/);
    let isThere = true;
    for (let tries = 0; isThere && tries < 100; tries++) isThere = await hasStaleFlow();
    assert.equal(isThere, false, 'and all of it is looked at when the cluster is known');
    const { servedSince } = await state();
    assert.equal(servedSince, null);
  });

  it('has kept what it learned', async () => {
    await eventually(
      () => daemon.isRunning,
      () => daemon.log,
    );
    assert.equal(await daemon.stop(), 0);
    await apiServer.kill();
    await reboot();
    daemon.launch([...FLAGS, '--state-dir', stateDir]);
    await daemon.untilLog(/the Services of the saved state are programmed/);
    await assertServed('client', 'cluster-ip', ['there', 'there-2', 'host']);
    await assertServed('client', 'cluster-ip-3', 'refused');
  });

  it('serves it while the API server answers 503, and takes over when that is past', async () => {
    await apiServer.start(asServed(AFTER));
    apiServer.fail(503);
    await reboot();
    daemon.launch([...FLAGS, '--state-dir', stateDir]);
    await daemon.untilLog(/the Services of the saved state are programmed/);
    await assertServed('client', 'cluster-ip', ['there', 'there-2', 'host']);
    apiServer.heal();
    await daemon.untilLog(/\] ready: /);
    await assertServed('client', 'cluster-ip-3', ['here-2']);
  });

  for (const status of [401, 403]) {
    it(`serves nothing of it where the API server answers ${status}, nor when that is away afterwards`, async () => {
      await reboot();
      apiServer.fail(status);
      daemon.launch([...FLAGS, '--state-dir', stateDir]);
      await daemon.untilLog(/E_API_REFUSED/);
      await apiServer.kill();
      await daemon.untilLog(/E_API_UNREACHABLE/);
      // Twice what it takes where it is served.
      await sleep(6000);
      assert.doesNotMatch(daemon.log, /saved state|the state of/);
      await assertServed('client', 'cluster-ip', 'timeout');
      await daemon.stop();
      await apiServer.start(asServed(AFTER));
    });
  }

  it('serves nothing of it with --no-state', async () => {
    await reboot();
    await apiServer.kill();
    daemon.launch([...FLAGS, '--state-dir', stateDir, '--no-state']);
    await daemon.untilLog(/E_API_UNREACHABLE/);
    await sleep(6000);
    assert.doesNotMatch(daemon.log, /saved state|the state of/);
  });

  it('leaves the rules of the last run alone, which are newer', async () => {
    await daemon.stop();
    await apiServer.start(asServed(BEFORE));
    await daemon.start([...FLAGS, '--state-dir', stateDir]);
    await apiServer.kill();
    await daemon.stop('SIGKILL');
    daemon.launch([...FLAGS, '--state-dir', stateDir]);
    await daemon.untilLog(/the API server cannot be reached: the rules of the last run stay in force/);
    await assertServed('client', 'cluster-ip', ['here', 'there', 'host']);
    assert.equal((await state()).servedSince, null);
  });
});
