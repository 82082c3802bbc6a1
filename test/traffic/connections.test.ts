import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestDaemon } from '../../src/control/control-socket.ts';
import type { Connections } from '../../src/status/connections.ts';
import { connectTcp, exchangeUdp } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const FLAGS = ['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`];

const NODE_PORTS = { web: 30_080, local: 30_082 } as const;

type Endpoints = Parameters<typeof ready>[0][];

/** `web` is for all, `empty` has no endpoint, `local` has one on the other node, `limited` is for nobody here. */
function objects(web: Endpoints = ['here'], empty: Endpoints = []) {
  return [
    node(),
    service('web', { nodePort: NODE_PORTS.web }),
    ...slices(
      'web',
      web.map((name) => ready(name)),
    ),
    service('empty', { clusterIp: 'cluster-ip-2' }),
    ...slices(
      'empty',
      empty.map((name) => ready(name)),
    ),
    service('local', {
      clusterIp: 'cluster-ip-3',
      nodePort: NODE_PORTS.local,
      loadBalancerIps: ['lb-ip'],
      spec: { externalTrafficPolicy: 'Local' },
    }),
    ...slices('local', [ready('there')]),
    service('limited', {
      clusterIp: 'unallocated-ip',
      loadBalancerIps: ['lb-ip-2'],
      spec: { loadBalancerSourceRanges: ['10.32.0.0/16', 'fd00:32::/64'] },
    }),
    ...slices('limited', [ready('here')]),
  ].map((object) => ({ ...object }));
}

/** "web:tcp served" → how many. */
type Numbers = Readonly<Record<string, number>>;

/** What the daemon logs once a table of IPv4 is in force. */
const IN_FORCE = 'the rules are in force family="ip" ';

describe('new connections', () => {
  let world: World;
  let servers: RunningHelper;
  let daemon: Daemon;

  before(async () => {
    world = createWorld();
    const addresses = [ENDPOINTS.here, ENDPOINTS['here-2'], ENDPOINTS['here-3']].flatMap(({ ip4, ip6 }) => [ip4, ip6]);
    servers = await startServers(world, 'pods', onTcpAndUdp(addresses));
  });

  beforeEach(async () => {
    daemon = new Daemon(world);
    daemon.write(objects());
    await daemon.start(FLAGS);
  });

  afterEach(async () => {
    await daemon.stop('SIGKILL');
    daemon[Symbol.dispose]();
    world.nodeShell('nft flush ruleset; conntrack -F 2>/dev/null || true');
  });

  after(async () => {
    await servers.stop();
    world.remove();
  });

  async function connectionsNow(): Promise<Connections> {
    const answer = await requestDaemon(join(daemon.directory, 'run'), '/connections?frontends');
    return JSON.parse(`${answer}`) as Connections;
  }

  async function numbers(): Promise<Numbers> {
    const { ports, counted, why } = await connectionsNow();
    assert.equal(counted, true, why);
    return Object.fromEntries(
      ports.map(({ service: name, port, result, connections }) => [`${name}:${port} ${result}`, connections]),
    );
  }

  /** Waits until a reading has these numbers: the last one counts for a second. */
  async function untilCounted(expected: Numbers): Promise<void> {
    let found: Numbers = {};
    for (let tries = 0; tries < 60; tries++) {
      found = await numbers();
      const isThere = Object.entries(expected).every(([name, count]) => found[name] === count);
      if (isThere && Object.keys(found).length === Object.keys(expected).length) return;
      await sleep(250);
    }
    assert.deepEqual(found, expected);
  }

  const tcp = (target: keyof typeof TARGETS, count: number, port = 80, version: 'ip4' | 'ip6' = 'ip4') =>
    connectTcp(world, 'client', { address: TARGETS[target][version], port, count, timeoutMs: 500 });
  const udp = (target: keyof typeof TARGETS, count: number, port = 80, version: 'ip4' | 'ip6' = 'ip4') =>
    exchangeUdp(world, 'client', { address: TARGETS[target][version], port, count, timeoutMs: 500 });

  it('are counted by Service, port and result, over all its addresses and both families', async () => {
    await untilCounted({});
    await tcp('cluster-ip', 3);
    await tcp('cluster-ip', 2, 80, 'ip6');
    await tcp('node', 4, NODE_PORTS.web);
    await udp('cluster-ip', 5);
    await udp('cluster-ip-2', 6);
    await tcp('cluster-ip-2', 7, 80, 'ip6');
    await udp('node', 2, NODE_PORTS.local);
    await udp('lb-ip', 1, 80, 'ip6');
    await udp('lb-ip-2', 3);
    // Nothing of a Service: a port that it does not have.
    await tcp('cluster-ip', 2, 81);
    await untilCounted({
      'web:tcp served': 9,
      'web:udp served': 5,
      'empty:udp refused': 6,
      'empty:tcp refused': 7,
      'local:udp dropped': 3,
      'limited:udp dropped': 3,
    });
    const { frontends = [] } = await connectionsNow();
    assert.deepEqual(
      frontends.filter(({ address }) => address === `:${NODE_PORTS.web}/tcp`).map(({ served }) => served),
      [4],
    );
  });

  it('are not forgotten when endpoints come and go, nor when a Service has none for a while', async () => {
    await tcp('cluster-ip', 3);
    await tcp('cluster-ip-2', 2);
    daemon.write(objects(['here', 'here-2', 'here-3'], ['here']));
    await daemon.untilDump(/10\.96\.0\.20 \. tcp \. 80 .* : goto pick-tcp-1/);
    await tcp('cluster-ip', 4);
    await tcp('cluster-ip-2', 1);
    daemon.write(objects());
    await daemon.untilDump(/10\.96\.0\.20 \. tcp \. 80 .* : goto refuse/);
    await tcp('cluster-ip', 5);
    await tcp('cluster-ip-2', 1);
    await untilCounted({ 'web:tcp served': 12, 'empty:tcp refused': 3, 'empty:tcp served': 1 });
  });

  it('go on from the kernel’s numbers after a restart, which writes nothing', async () => {
    await tcp('cluster-ip', 3);
    await tcp('cluster-ip-2', 2);
    await daemon.stop('SIGKILL');
    await tcp('cluster-ip', 1);
    await daemon.start(FLAGS);
    assert.match(daemon.log, /up to date family="ip" written=0/);
    assert.match(daemon.log, /up to date family="ip6" written=0/);
    await untilCounted({ 'web:tcp served': 4, 'empty:tcp refused': 2 });
  });

  it('are carried over when another program takes the table’s place', async () => {
    await tcp('cluster-ip', 3);
    await tcp('cluster-ip-2', 2);
    await daemon.stop();
    await daemon.start([...FLAGS, '--masquerade-all']);
    await tcp('cluster-ip', 1);
    await untilCounted({ 'web:tcp served': 4, 'empty:tcp refused': 2 });
  });

  it('never become fewer, though others reset, delete or flush what counts them, which is no drift', async () => {
    await tcp('cluster-ip', 3);
    await untilCounted({ 'web:tcp served': 3 });
    const element = (verb: string, text: string) =>
      world.nodeShell(`nft '${verb} element ip kube-proxy-nft connections { ${text} }'`);
    element('delete', '10.96.0.10 . tcp . 80');
    element('add', '10.96.0.10 . tcp . 80 comment "default/web:tcp"');
    element('delete', '10.96.0.20 . tcp . 80');
    await tcp('cluster-ip', 2);
    await untilCounted({ 'web:tcp served': 5 });
    const { stdout } = await daemon.run('status', '--run-dir', join(daemon.directory, 'run'));
    assert.match(stdout, /in sync/);
    assert.doesNotMatch(stdout, /changed by others/);
    // What was deleted is missed when its Service goes, and no more than that.
    daemon.write(objects().filter(({ metadata }) => !metadata.name.startsWith('empty')));
    await daemon.untilNoDump(/10\.96\.0\.20 /);
    const sofar = daemon.log.split(IN_FORCE).length - 1;
    world.nodeShell('nft delete table ip kube-proxy-nft');
    await daemon.untilLog(new RegExp(`(?:${IN_FORCE}[\\s\\S]*){${sofar + 1}}`));
    assert.deepEqual(
      (await tcp('cluster-ip', 1)).filter((outcome) => 'error' in outcome),
      [],
    );
    await untilCounted({ 'web:tcp served': 6 });
    assert.doesNotMatch(daemon.log, /somebody changed our rules/);
  });

  it('are not counted with --connection-counters=false, which takes the table’s place', async () => {
    await daemon.stop();
    await daemon.start([...FLAGS, '--connection-counters=false']);
    await tcp('cluster-ip', 1);
    const { counted, why, ports } = await connectionsNow();
    assert.deepEqual(
      { counted, why, ports },
      {
        counted: false,
        why: 'new connections are not counted: --connection-counters=false',
        ports: [],
      },
    );
    assert.doesNotMatch(await daemon.wholeDump('nft'), /set connections|drop-counted/);
  });
});
