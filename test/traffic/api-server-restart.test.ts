import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp, tally } from '../netns/clients.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type Where, type World } from '../netns/world.ts';
import { ENDPOINTS, type EndpointName, TARGETS, type Target } from '../scenarios/runner/cast.ts';
import { node, type Objects, ready, service, slices } from '../scenarios/runner/objects.ts';
import { ApiServerProcess, asServed } from './api-server-process.ts';
import { Daemon } from './daemon.ts';

/** More than the longest wait between two tries to reach the API server. */
const LIMIT_MS = 120_000;
const VERSIONS = ['ip4', 'ip6'] as const;
const web = (...pods: readonly EndpointName[]): Objects => [
  service('web', { nodePort: 30_080 }),
  slices(
    'web',
    pods.map((name) => ready(name)),
  ),
];
const next = (...pods: readonly EndpointName[]): Objects => [
  service('next', { clusterIp: 'cluster-ip-2', nodePort: 30_081 }),
  slices(
    'next',
    pods.map((name) => ready(name)),
  ),
];

describe('a restart of the API server', () => {
  let world: World;
  let daemon: Daemon;
  let apiServer: ApiServerProcess;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true });
    for (const where of ['pods', 'remote'] as const) {
      const names = (Object.keys(ENDPOINTS) as EndpointName[]).filter((name) => ENDPOINTS[name].place === where);
      const servers = names.flatMap((name) =>
        VERSIONS.map((version) => ({ protocol: 'tcp' as const, address: ENDPOINTS[name][version], port: 8080 })),
      );
      running.push(await startServers(world, where, servers));
    }
    apiServer = new ApiServerProcess(world);
    await apiServer.start(asServed([node(), ...web('here', 'there')]));
    daemon = new Daemon(world, ['--kubeconfig', apiServer.kubeconfig]);
    const flags = ['--hostname-override=node-a', '--nodeport-addresses=primary,localhost'];
    await daemon.start([...flags, `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    apiServer[Symbol.dispose]();
    world.remove();
  });

  /** Connects to an address of the node until just these answer, in both families; nobody: refused. */
  async function served(from: Where, target: Target, port: number, ...by: readonly EndpointName[]): Promise<void> {
    for (const version of VERSIONS) {
      const at = (name: EndpointName) => (version === 'ip4' ? ENDPOINTS[name].ip4 : `[${ENDPOINTS[name].ip6}]`);
      const expected =
        by.length === 0
          ? 'refused'
          : by
              .map((name) => `${at(name)}:8080`)
              .sort()
              .join(' ');
      let met = '';
      for (const end = performance.now() + LIMIT_MS; met !== expected && performance.now() < end; ) {
        const outcomes = await connectTcp(world, from, { address: TARGETS[target][version], port, count: 40 });
        met = Object.keys(tally(outcomes)).sort().join(' ');
      }
      assert.equal(met, expected, `${target} ${port} ${version}`);
    }
  }

  /** The node ports of a Service on loopback and on the node's address, and its ClusterIP. */
  async function servedEverywhere(clusterIp: Target, nodePort: number, ...by: readonly EndpointName[]): Promise<void> {
    await served('node', 'loopback', nodePort, ...by);
    await served('client', 'node', nodePort, ...by);
    await served('client', clusterIp, 80, ...by);
  }

  it('should work after restarting apiserver, node ports on loopback, too', async () => {
    await servedEverywhere('cluster-ip', 30_080, 'here', 'there');
    const connection = await startHelper(world, 'node', 'long_connection', [TARGETS.loopback.ip4, 30_080]);

    await apiServer.kill();
    await daemon.untilLog(/W.*E_API_UNREACHABLE/);
    await servedEverywhere('cluster-ip', 30_080, 'here', 'there');

    await apiServer.start(asServed([node(), ...web('here', 'there')]));
    await servedEverywhere('cluster-ip', 30_080, 'here', 'there');

    // What is new after it: an endpoint, a Service.
    apiServer.put(asServed(web('there-2')));
    apiServer.put(asServed(next('here-2')));
    await servedEverywhere('cluster-ip', 30_080, 'there-2');
    await servedEverywhere('cluster-ip-2', 30_081, 'here-2');

    // The connection of before went on all the while: its pod is still there, though not an endpoint any more.
    await connection.stop();
  });

  it('what was deleted while it was away is gone on loopback, too', async () => {
    await apiServer.kill();
    await apiServer.start(asServed([node(), ...next('here')]));
    await servedEverywhere('cluster-ip-2', 30_081, 'here');
    await served('node', 'loopback', 30_080);
    await served('client', 'node', 30_080);
    const { stdout } = world.execSync('node', ['ss', '-Hltn', 'sport = :30080']);
    assert.equal(stdout, '');
  });
});
