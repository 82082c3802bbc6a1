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
const ON = { 'kube-proxy-nft/reset-gone-endpoints': 'true' };
const OFF = { 'kube-proxy-nft/reset-gone-endpoints': 'false' };
const VERSIONS = ['ip4', 'ip6'] as const;

/** An open connection, and what its client says of its end. */
interface Client {
  readonly name: string;
  readonly helper: RunningHelper;
  /** "! reset", "! closed"; empty while it is open. */
  end: string;
  answers: number;
  /** How often it has said how many answers it has. */
  pongs: number;
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
      else {
        client.answers = Number(line.split(' ')[1]);
        client.pongs++;
      }
    };
    const args = [TARGETS[target][version], port, ...more];
    const helper = await startHelper(world, from, 'open_connection', args, { onLine });
    const client: Client = { name, helper, end: '', answers: 1, pongs: 0 };
    clients.push(client);
    return client;
  }

  function send({ helper }: Client): void {
    helper.child.stdin?.write('send\n');
  }

  /** What nf_conntrack_tcp_loose and nf_conntrack_tcp_be_liberal are on the node. */
  function setConntrack(loose: number, liberal = 0): void {
    const file = '/proc/sys/net/netfilter/nf_conntrack_tcp';
    world.nodeShell(`echo ${loose} > ${file}_loose; echo ${liberal} > ${file}_be_liberal`);
  }

  /** Has each do what the command says, and waits until it has. */
  async function tell(command: 'send' | 'fin', all: readonly Client[]): Promise<void> {
    const before = all.map(({ pongs }) => pongs);
    for (const { helper } of all) helper.child.stdin?.write(`${command}\n`);
    await eventually(
      () => {
        for (const { helper, end } of all) if (end === '') helper.child.stdin?.write('ping\n');
        return all.every((client, i) => client.pongs > (before[i] ?? 0) || isOver(client));
      },
      () => `${all.filter((client, i) => client.pongs === before[i]).map(({ name }) => name)}: no word of it`,
    );
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

  for (const [loose, liberal] of [
    [1, 0],
    [0, 1],
  ] as const)
    it(`are reset at their next packet, and all others go on (nf_conntrack_tcp_loose ${loose}, …_be_liberal ${liberal})`, async () => {
      await daemon.stop();
      setConntrack(loose, liberal);
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
    setConntrack(1);
    const resets = {
      ...service('resets', { clusterIp: 'cluster-ip-2' }),
      metadata: { name: 'resets', annotations: ON },
    };
    write(service('web'), slices('web', [ready('here')]), resets, slices('resets', [ready('here')]));
    await daemon.start(flags);
    const hanging = await open(pod, 'cluster-ip', 'ip4', 80, 1);
    const ending = await open(pod, 'cluster-ip-2', 'ip4', 80, 1);
    const blackhole = ['blackhole', `${ENDPOINTS.here.ip4}/32`, 'table', 'local'];
    world.execSync('pods', ['ip', 'route', 'add', ...blackhole]);
    write(service('web'), slices('web', [ready('here-2')]), resets, slices('resets', []));
    send(hanging);
    await isReset([ending]);
    assert.equal(hanging.end, '', 'without the option nobody tells the client');
    world.execSync('pods', ['ip', 'route', 'del', ...blackhole]);
  });

  it('hang although they end: policy Local without an endpoint here, a FIN, and by annotation alone where conntrack is not loose', async () => {
    await daemon.stop();
    setConntrack(0);
    // An address of the node, that a load balancer sends to.
    const { ip4, ip6 } = TARGETS['lb-ip-here'];
    world.nodeShell(`ip address add ${ip4}/32 dev lo; ip address add ${ip6}/128 dev lo nodad`);
    const loadBalancerIps: readonly Target[] = ['lb-ip', 'lb-ip-here'];
    const web = service('web', { nodePort: NODE_PORT, externalIps: ['external-ip'], loadBalancerIps, annotations: ON });
    const policy = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
    const local = { clusterIp: 'cluster-ip-2', externalIps: ['external-ip-2'], annotations: ON, spec: policy } as const;
    const both = [web, service('local', local)];
    write(both, slices('web', [ready('here')]), slices('local', [ready('here')]));
    await daemon.start(flags);
    for (const name of ['web', 'local'])
      await daemon.untilLog(new RegExp(`default/${name}.*reset-gone-endpoints: has an effect only at node ports`));
    const phases = [];
    for (const [liberal, version] of VERSIONS.entries()) {
      phases.push({
        liberal,
        dropped: [await open('client', 'external-ip-2', version)],
        ending: [await open('client', 'external-ip', version)],
        ofTheNode: [
          await open('client', 'node', version, NODE_PORT),
          await open('node', 'node', version, NODE_PORT),
          await open('client', 'lb-ip-here', version),
        ],
        ofNobody: [
          await open(pod, 'cluster-ip', version),
          await open('node', 'cluster-ip', version),
          await open('client', 'external-ip', version),
          await open('client', 'lb-ip', version),
        ],
      });
    }
    write(both, slices('web', [ready('here-2')]), slices('local', [ready('there')]));
    const ended = () =>
      [...daemon.log.matchAll(/to removed endpoints were ended .*?connections=(\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    await eventually(
      () => ended() >= clients.length,
      () => daemon.log,
    );
    for (const { liberal, dropped, ending } of phases) {
      setConntrack(1, liberal);
      await tell('send', dropped);
      await tell('fin', ending);
    }
    for (const { liberal, ofTheNode, ofNobody } of phases) {
      setConntrack(0, liberal);
      await tell('send', [...ofTheNode, ...ofNobody]);
      await isReset(ofTheNode);
    }
    // Each has sent its packet again by now.
    await sleep(1000);
    for (const { dropped, ending, ofNobody } of phases)
      for (const { name, end } of [...dropped, ...ending, ...ofNobody]) assert.equal(end, '', name);
  });
});
