import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../builders/eventually.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS, type Target, type Version } from '../scenarios/runner/cast.ts';
import { ended, node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const NODE_PORT = 30_080;
const OFF = { 'kube-proxy-nft/reset-gone-endpoints': 'false' };
const VERSIONS = ['ip4', 'ip6'] as const;

/** An open connection, and what its client says of its end. */
interface Client {
  readonly name: string;
  readonly helper: RunningHelper;
  /** "! reset", "! closed"; empty while it is open. */
  end: string;
  answers: number;
}

/**
 * The pod that goes is alive all the while, and answers whoever still reaches it: nothing but the clean-up of conntrack can
 * end a connection here.
 */
describe('connections to an endpoint that is gone', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const clients: Client[] = [];
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld();
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    world.execSync('client', ['ip', 'route', 'add', '203.0.113.0/24', 'via', NODE.ip4]);
    world.execSync('client', ['ip', 'route', 'add', '2001:db8:113::/64', 'via', NODE.ip6]);
    const addresses = [ENDPOINTS.here, ENDPOINTS['here-2']].flatMap(({ ip4, ip6 }) => [ip4, ip6]);
    const servers = addresses.map((address) => ({ protocol: 'tcp' as const, address, port: 8080 }));
    running.push(await startServers(world, 'pods', servers));
    daemon = new Daemon(world);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  beforeEach(() => {
    for (const { helper } of clients.splice(0)) helper.child.kill('SIGKILL');
  });

  const write = (...objects: readonly object[]) =>
    daemon.write([node(), ...objects].flat().map((object) => ({ ...object })));

  /** Four Services with the same endpoint: that loses it, keeps it, does not request an end, where it moves and ends. */
  const services = () => [
    service('web', { nodePort: NODE_PORT, externalIps: ['external-ip'] }),
    service('keeps', { clusterIp: 'cluster-ip-2' }),
    { ...service('off', { clusterIp: 'cluster-ip-3' }), metadata: { name: 'off', annotations: OFF } },
    service('moves', { clusterIp: 'unallocated-ip' }),
  ];
  const moved = (name: string, conditions: typeof ready) =>
    slices('moves', [conditions('here')], { name: `moves-${name}` });

  async function open(from: Where, target: Target, version: Version, port = 80, ...more: number[]): Promise<Client> {
    const name = `${typeof from === 'string' ? from : 'pod'} to ${target} ${port} ${version} ${more}`;
    const onLine = (line: string) => {
      if (line.startsWith('!')) client.end = line;
      else client.answers = Number(line.split(' ')[1]);
    };
    const args = [TARGETS[target][version], port, ...more];
    const helper = await startHelper(world, from, 'open_connection', args, { onLine });
    const client: Client = { name, helper, end: '', answers: 1 };
    clients.push(client);
    return client;
  }

  function send({ helper }: Client): void {
    helper.child.stdin?.write('send\n');
  }

  const isOver = ({ end }: Client) => end !== '';

  async function isReset(gone: readonly Client[]): Promise<void> {
    await eventually(
      () => gone.every(isOver),
      () => `${gone.filter((one) => !isOver(one)).map(({ name }) => name)}: still open\n${daemon.log}`,
    );
    for (const { name, end } of gone) assert.equal(end, '! reset', name);
  }

  /** Each of them is answered once more. */
  async function goesOn(staying: readonly Client[]): Promise<void> {
    for (const client of staying) send(client);
    await eventually(
      () => {
        for (const { helper, end } of staying) if (end === '') helper.child.stdin?.write('ping\n');
        return staying.every(({ answers, end }) => answers >= 2 || end !== '');
      },
      () => staying.map(({ name, answers, end }) => `${name}: ${answers} ${end}`).join('\n'),
    );
    for (const { name, end } of staying) assert.equal(end, '', name);
  }

  const flags = [`--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`, '--hostname-override=node-a'];

  for (const loose of [1, 0])
    it(`are reset at their next packet, and all others go on (nf_conntrack_tcp_loose ${loose})`, async () => {
      await daemon.stop();
      world.nodeShell(`echo ${loose} > /proc/sys/net/netfilter/nf_conntrack_tcp_loose`);
      const others = [...slices('keeps', [ready('here')]), ...slices('off', [ready('here')])];
      write(services(), slices('web', [ready('here')]), others, moved('a', ready));
      await daemon.start([...flags, '--reset-gone-endpoints']);
      const [gone, probing, staying]: Client[][] = [[], [], []];
      for (const version of VERSIONS) {
        for (const [from, target, port] of [
          [pod, 'cluster-ip', 80],
          ['node', 'cluster-ip', 80],
          ['client', 'node', NODE_PORT],
          ['node', 'node', NODE_PORT],
          ['client', 'external-ip', 80],
        ] as const) {
          gone?.push(await open(from, target, version, port));
        }
        // Blocked in recv: the kernel probes each second.
        probing?.push(await open(pod, 'cluster-ip', version, 80, 1));
        for (const target of ['cluster-ip-2', 'cluster-ip-3', 'unallocated-ip'] as const)
          staying?.push(await open(pod, target, version));
      }
      // A FIN is INVALID in either case: only where there are rules for that it is answered.
      const ending =
        loose === 1 ? [] : [await open('client', 'external-ip', 'ip4'), await open(pod, 'cluster-ip', 'ip6')];
      const streams: RunningHelper[] = [];
      for (const version of VERSIONS) {
        const target = [TARGETS['cluster-ip-2'][version], 80];
        for (let i = 0; i < 3; i++) streams.push(await startHelper(world, pod, 'long_connection', target));
      }
      // In no slice for a moment, then in another one, where it ends and serves no more.
      const without = [services(), slices('web', [ready('here-2')]), slices('off', [ready('here-2')])];
      write(...without, slices('keeps', [ready('here')]));
      await daemon.untilDump(new RegExp(`10\\.96\\.0\\.10 \\. 80 \\. 0 .*: ${ENDPOINTS['here-2'].ip4}`));
      await sleep(500);
      const connections = 6 + ending.length / 2;
      const areEnded = () =>
        ['ip', 'ip6'].every((family) =>
          new RegExp(`to removed endpoints were ended family="?${family}"? connections=${connections}\\b`).test(
            daemon.log,
          ),
        );
      // Another endpoint of a Service comes and goes meanwhile: connections to the one that stays do not break.
      for (let round = 0; round < 100 && !areEnded(); round++) {
        const endpoints = round % 2 === 0 ? [ready('here'), ready('here-2')] : [ready('here')];
        write(...without, moved('b', ended), slices('keeps', endpoints));
        await sleep(200);
      }
      assert.ok(areEnded(), daemon.log);
      for (const client of gone ?? []) send(client);
      for (const { helper } of ending) helper.child.stdin?.write('fin\n');
      await isReset([...(gone ?? []), ...(probing ?? []), ...ending]);
      await goesOn(staying ?? []);
      // An error where one was broken.
      for (const stream of streams) await stream.stop();
      const read = 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:10249/metrics").read().decode())';
      const { stdout } = world.execSync('node', ['python3', '-c', read]);
      assert.ok(
        stdout.includes(`\nkubeproxy_nft_gone_endpoint_connections_total{ip_family="IPv6"} ${connections}\n`),
        stdout,
      );
    });

  it('hang without it, and one Service can request it alone; where none is left, a client is refused', async () => {
    await daemon.stop();
    world.nodeShell('echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose');
    const on = { 'kube-proxy-nft/reset-gone-endpoints': 'true' };
    const resets = {
      ...service('resets', { clusterIp: 'cluster-ip-2' }),
      metadata: { name: 'resets', annotations: on },
    };
    write(service('web'), slices('web', [ready('here')]), resets, slices('resets', [ready('here')]));
    await daemon.start(flags);
    const hanging = await open(pod, 'cluster-ip', 'ip4', 80, 1);
    const ending = await open(pod, 'cluster-ip-2', 'ip4', 80, 1);
    world.execSync('pods', ['ip', 'route', 'add', 'blackhole', `${ENDPOINTS.here.ip4}/32`, 'table', 'local']);
    write(service('web'), slices('web', [ready('here-2')]), resets, slices('resets', []));
    send(hanging);
    await isReset([ending]);
    assert.equal(hanging.end, '', 'without the option nobody tells the client');
  });
});
