import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { connectTcp, floodTcp, tally } from '../netns/clients.ts';
import { floodUdp } from '../netns/flood.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

/** The table of a release before, which also had lookups in filter chains: what is staged, and what hooks it. */
const [STAGED = '', HOOKS = ''] = readFileSync(join(import.meta.dirname, 'before-nat-only.nft'), 'utf8').split('\n\n');

const PORTS = (['TCP', 'UDP'] as const).map((protocol) => ({
  name: protocol.toLowerCase(),
  protocol,
  port: 80,
  nodePort: 30_080,
}));
const ENDPOINT_NAMES = ['here', 'here-2', 'here-3'] as const;
const ready3 = ENDPOINT_NAMES.map((name) => ready(name));
const tcp = [{ name: 'tcp', protocol: 'TCP', port: 80 }] as const;

/** What the old table was made from. */
const OBJECTS = [
  node(),
  service('web', {
    ports: PORTS,
    loadBalancerIps: ['lb-ip'],
    spec: { externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8:2::/64'] },
  }),
  ...slices('web', ready3, { ports: PORTS.map(({ name, protocol }) => ({ name, protocol, port: 8080 })) }),
  service('sticky', { clusterIp: 'cluster-ip-2', ports: tcp, spec: { sessionAffinity: 'ClientIP' } }),
  ...slices('sticky', ready3, { ports: tcp.map((port) => ({ ...port, port: 8080 })) }),
  service('empty', { clusterIp: 'cluster-ip-3', ports: tcp }),
];

const CLIENTS = 64;

describe('an upgrade from a release with another program', () => {
  let world: World;
  let daemon: Daemon;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true, icmpRateLimit: false });
    const servers = ENDPOINT_NAMES.map((name) => ({
      protocol: 'tcp' as const,
      address: ENDPOINTS[name].ip4,
      port: 8080,
    }));
    running.push(await startServers(world, 'pods', servers));
    daemon = new Daemon(world);
    daemon.write(OBJECTS.map((object) => ({ ...object })));
    world.loadNft('node', `${STAGED}\n${HOOKS}`);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  const start = () =>
    daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);

  /** As the old release's daemon did it: staged beside the table in force, then one transaction. */
  function goBack(): void {
    world.loadNft('node', `${STAGED}\n`);
    world.loadNft('node', `${HOOKS}delete table ip kube-proxy-nft-b\n`);
  }

  const tables = () =>
    world.execSync('node', ['nft', 'list', 'chains', 'ip']).stdout.match(/^table ip .*(?= \{)/gm) ?? [];

  /** New connections all the time while `work` goes on, of every kind; fails if one has another outcome than it should. */
  async function underTraffic(work: () => Promise<void> | void): Promise<void> {
    let working = true;
    const meanwhile = async (once: () => Promise<unknown>) => {
      do await once();
      while (working);
    };
    const all = ENDPOINT_NAMES.map((name) => `${ENDPOINTS[name].ip4}:8080`);
    const tcpTo = (address: string, port: number) => async () => {
      const result = await floodTcp(world, 'client', { address, port, connections: 500 });
      assert.equal(result.failed, 0, JSON.stringify(result));
      assert.deepEqual(Object.keys(result.endpoints).sort(), all);
    };
    await Promise.all([
      meanwhile(tcpTo(TARGETS['cluster-ip'].ip4, 80)),
      meanwhile(tcpTo(TARGETS['lb-ip'].ip4, 80)),
      meanwhile(tcpTo(TARGETS.node.ip4, 30_080)),
      meanwhile(async () => {
        const flood = { destination: TARGETS['cluster-ip'].ip4, port: 80, flows: 5_000, rate: 5_000 };
        const result = await floodUdp(world, 'remote', flood);
        assert.equal(result.failed, 0, JSON.stringify(result));
      }),
      meanwhile(async () => {
        const refused = await connectTcp(world, 'client', {
          address: TARGETS['cluster-ip-3'].ip4,
          port: 80,
          count: 100,
        });
        assert.deepEqual(tally(refused), { refused: 100 });
      }),
      meanwhile(async () => {
        const stranger = { address: TARGETS['lb-ip'].ip4, port: 80, source: '198.18.0.9', timeoutMs: 300 };
        assert.deepEqual(tally(await connectTcp(world, 'client', stranger)), { timeout: 1 });
      }),
      Promise.resolve(work()).finally(() => {
        working = false;
      }),
    ]);
  }

  /** The endpoint that each client with session affinity gets. */
  async function pinned(): Promise<readonly string[]> {
    const clients = { source: '198.18.1.1', sources: CLIENTS, count: CLIENTS };
    const outcomes = await connectTcp(world, 'client', { address: TARGETS['cluster-ip-2'].ip4, port: 80, ...clients });
    return outcomes.map((outcome) => ('error' in outcome ? outcome.error : outcome.endpoint));
  }

  it('replaces its table, and goes back: no connection fails, open ones go on', async () => {
    let answers = 0;
    const onLine = () => {
      answers++;
    };
    const open = await startHelper(world, 'client', 'long_connection', [TARGETS['cluster-ip'].ip4, 80], { onLine });
    await underTraffic(async () => {
      await start();
      assert.match(daemon.log, /in force family="ip" table="kube-proxy-nft-b"/);
      assert.deepEqual(tables(), ['table ip kube-proxy-nft-b']);
      await daemon.stop();
      goBack();
      assert.deepEqual(tables(), ['table ip kube-proxy-nft']);
      await start();
      assert.deepEqual(tables(), ['table ip kube-proxy-nft-b']);
    });
    const sofar = answers;
    await eventually(
      () => answers > sofar + 5,
      () => `${answers} answers, ${sofar} before`,
    );
    await open.stop();
    assert.doesNotMatch(daemon.log, /^[WE]/m);
    await daemon.stop();
    goBack();
  });

  it('clients with session affinity keep their endpoints', async () => {
    const first = await pinned();
    assert.equal(new Set(first).size, ENDPOINT_NAMES.length);
    assert.deepEqual(await pinned(), first);
    await start();
    assert.match(daemon.log, new RegExp(`session affinity keep their endpoints family="ip" clients=${CLIENTS}\\n`));
    assert.deepEqual(await pinned(), first);
    // What is left of their time goes with them.
    const { stdout } = world.execSync('node', ['nft', 'list', 'table', 'ip', 'kube-proxy-nft-b']);
    assert.equal(stdout.match(/198\.18\.1\.\d+ timeout 3h expires 2h59m/g)?.length, CLIENTS);
  });

  it('they do, too, with other options', async () => {
    const first = await pinned();
    await daemon.stop();
    await daemon.start(['--hostname-override=node-a', '--masquerade-all']);
    assert.deepEqual(tables(), ['table ip kube-proxy-nft']);
    assert.deepEqual(await pinned(), first);
  });
});
