import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rawNode } from '../builders/raw-objects.ts';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLIENT, CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { type RawObject, serviceObjects } from './manifests.ts';

const POD = { ip4: '10.32.0.21', ip6: 'fd00:32::21' };
const SINGLE = { ip4: '10.32.7.1', ip6: 'fd00:32::701' };
const METADATA = '169.254.169.254';
/** Where the API server is: behind the node's default route. */
const API = { ip4: '203.0.113.60', ip6: '2001:db8:113::60' };
/** Nobody's. */
const FREE = { ip4: '203.0.113.61', ip6: '2001:db8:113::61' };

/** In a ServiceCIDR that holds nothing else, and no Service's. */
const UNALLOCATED = '10.99.0.9';

const UNUSABLE = {
  loadBalancerIps: [METADATA, 'fe80::a9fe:a9fe'],
  externalIps: [
    ...['127.0.0.1', '::1', 'fe80::1', '224.0.0.1', 'ff02::1', '255.255.255.255', '0.0.0.0', '::', METADATA],
    ...['::ffff:169.254.169.254', '::ffff:7f00:1', '::ffff:0:127.0.0.1', '::127.0.0.1', '64:ff9b::a9fe:a9fe'],
  ],
};

interface Wanted {
  readonly externalIps?: readonly string[];
  readonly loadBalancerIps?: readonly string[];
}

/** A dual-stack Service that leads to POD on port 80, over TCP and UDP, with further addresses. */
function wanting(name: string, n: number, { externalIps = [], loadBalancerIps = [] }: Wanted): readonly RawObject[] {
  const [object, ...slices] = serviceObjects({
    name,
    clusterIps: { ip4: `10.96.0.${n}`, ip6: `fd00:96::${n}` },
    ports: ['TCP', 'UDP'].map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, to: 8080 })),
    endpoints: [POD],
  });
  const spec = object?.['spec'] as object;
  const ingress = loadBalancerIps.map((ip) => ({ ip, ipMode: 'VIP' }));
  const service = { ...object, spec: { ...spec, type: 'LoadBalancer', externalIPs: externalIps } };
  return [{ ...service, status: { loadBalancer: { ingress } } }, ...slices];
}

const THIS_NODE = rawNode('node-a', ...Object.values(NODE));
/** The API server's own Service. */
const KUBERNETES = serviceObjects({
  name: 'kubernetes',
  clusterIps: { ip4: '10.96.0.1', ip6: 'fd00:96::1' },
  ports: [{ name: 'https', protocol: 'TCP', port: 443, to: 6443 }],
  endpoints: [API],
});
const serviceCidr = (name: string, ...cidrs: readonly string[]) => ({
  kind: 'ServiceCIDR',
  metadata: { name },
  spec: { cidrs },
});
const OBJECTS = [THIS_NODE, ...KUBERNETES];

describe('addresses that no Service may claim', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld();
    pod = world.addPodNamespace(SINGLE.ip4, SINGLE.ip6);
    const outside = [METADATA, UNALLOCATED, ...Object.values(API), ...Object.values(FREE)];
    for (const address of outside)
      await world.exec('client', ['ip', 'route', 'replace', 'local', address, 'dev', 'lo', 'table', 'local']);
    const on = (addresses: readonly string[], port: number) =>
      addresses.flatMap((address) => (['tcp', 'udp'] as const).map((protocol) => ({ protocol, address, port })));
    running.push(await startServers(world, 'client', on([...outside, ...Object.values(CLIENT)], 80)));
    running.push(await startServers(world, 'pods', on(Object.values(POD), 8080)));
    running.push(await startServers(world, 'node', on(['127.0.0.1', '::1', ...Object.values(NODE)], 80)));
    daemon = new Daemon(world);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Who answers on port 80 of an address, over TCP and UDP. */
  const answers = async (where: Where, address: string) => {
    const options = { address, port: 80, count: 5, timeoutMs: 1500 };
    const outcomes = [...(await connectTcp(world, where, options)), ...(await exchangeUdp(world, where, options))];
    return Object.keys(tally(outcomes)).join();
  };
  const text = (address: string, port: number) =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const [pod4, pod6] = [text(POD.ip4, 8080), text(POD.ip6, 8080)];
  const itself = (address: string) => text(address, 80);
  const start = (protection: string) =>
    daemon.start([
      '--hostname-override=node-a',
      `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`,
      `--protect-addresses=${protection}`,
    ]);
  const kernel = async () =>
    (await world.exec('node', ['sh', '-c', 'nft list table ip kube-proxy-nft; nft list table ip6 kube-proxy-nft']))
      .stdout;

  for (const protection of ['off', 'enforce']) {
    it(`loopback, link-local, multicast, broadcast and unspecified ones are not programmed: ${protection}`, async () => {
      const free = { externalIps: [...UNUSABLE.externalIps, ...Object.values(FREE)] };
      daemon.write([...OBJECTS, ...wanting('thief', 66, { ...UNUSABLE, ...free })]);
      await start(protection);
      const table = await kernel();
      const programmed = [
        ...table.matchAll(/^\s*(?:elements = \{ )?([0-9a-f.:]+) \. tcp \. 80 .*"default\/thief:tcp"/gm),
      ];
      assert.deepEqual(
        [...new Set(programmed.map(([, address]) => address))].sort(),
        ['10.96.0.66', FREE.ip4, FREE.ip6, 'fd00:96::66'].sort(),
      );
      for (const address of ['127.0.0.1', '::1']) assert.equal(await answers('node', address), itself(address));
      for (const where of ['node', pod] as const) assert.equal(await answers(where, METADATA), itself(METADATA));
      assert.deepEqual([await answers(pod, FREE.ip4), await answers('node', FREE.ip6)], [pod4, pod6]);
      assert.match(
        daemon.log,
        /^W.*Service default\/thief: .* 169\.254\.169\.254 is a link-local .*\(unusable-address\)/m,
      );
      assert.equal(daemon.log.match(/^W/gm)?.length, 1, daemon.log);
      await daemon.stop();
    });
  }

  const CLAIMS = [
    ...OBJECTS,
    ...wanting('api', 67, { externalIps: Object.values(API) }),
    ...wanting('node', 68, { externalIps: Object.values(NODE) }),
  ];

  it('the API server’s is served and told of, the node’s own served: warn', async () => {
    daemon.write(CLAIMS);
    await start('warn');
    for (const where of ['node', pod] as const)
      assert.deepEqual([await answers(where, API.ip4), await answers(where, API.ip6)], [pod4, pod6]);
    assert.deepEqual([await answers('client', NODE.ip4), await answers('client', NODE.ip6)], [pod4, pod6]);
    assert.match(
      daemon.log,
      /^W.*Service default\/api: external IP 203\.0\.113\.60 is an API server’s, .* still served .*\(protected-address\)/m,
    );
    assert.equal(daemon.log.match(/^W/gm)?.length, 1, daemon.log);
    await daemon.stop();
  });

  it('both are left to whom they belong, also those that the last run served: enforce', async () => {
    await start('enforce');
    for (const where of ['node', pod] as const) {
      assert.equal(await answers(where, API.ip4), itself(API.ip4));
      assert.equal(await answers(where, API.ip6), itself(API.ip6));
    }
    assert.deepEqual(
      [await answers('client', NODE.ip4), await answers('client', NODE.ip6)],
      Object.values(NODE).map(itself),
    );
    const socket = `${daemon.directory}/run/control.sock`;
    const answer = await world.exec('node', ['curl', '-s', '--unix-socket', socket, 'http://localhost/shortfalls']);
    assert.deepEqual(
      JSON.parse(answer.stdout).shortfalls.map(({ key, reason }: Record<string, string>) => [key, reason]),
      [
        ['default/api', 'protected-address'],
        ['default/node', 'protected-address'],
      ],
    );
  });

  it('the node’s own are served as a load balancer’s: enforce', async () => {
    daemon.write([...OBJECTS, ...wanting('node', 68, { loadBalancerIps: Object.values(NODE) })]);
    await daemon.untilDump(/192\.0\.2\.1 \. tcp \. 80/);
    assert.deepEqual([await answers('client', NODE.ip4), await answers('client', NODE.ip6)], [pod4, pod6]);
  });

  it('a ServiceCIDR with an address of the node drops nothing; others go on to', async () => {
    daemon.write([
      ...OBJECTS,
      serviceCidr('bad', '192.0.2.0/24', '2001:db8::/32'),
      serviceCidr('good', '10.99.0.0/16'),
    ]);
    await daemon.untilDump(/10\.99\.0\.0\/16/);
    assert.doesNotMatch(await daemon.dump(), /192\.0\.2\.0\/24|2001:db8::\/32/);
    for (const where of ['client', pod] as const) {
      assert.equal(await answers(where, NODE.ip4), itself(NODE.ip4));
      assert.equal(await answers(where, NODE.ip6), itself(NODE.ip6));
    }
    for (const where of ['node', pod] as const) {
      assert.equal(await answers(where, CLIENT.ip4), itself(CLIENT.ip4));
      assert.equal(await answers(where, CLIENT.ip6), itself(CLIENT.ip6));
    }
    assert.equal(await answers(pod, UNALLOCATED), 'timeout');
    await daemon.untilLog(
      /^W.*ServiceCIDR bad: its network 192\.0\.2\.0\/24 holds 192\.0\.2\.1, an address of this node/m,
    );
  });

  it('a ServiceCIDR is decided on anew when an interface gets an address, and when it goes', async () => {
    await world.exec('node', ['ip', 'address', 'add', '10.99.0.200/32', 'dev', 'lo']);
    await daemon.untilNoDump(/10\.99\.0\.0\/16/);
    assert.equal(await answers(pod, UNALLOCATED), itself(UNALLOCATED));
    await world.exec('node', ['ip', 'address', 'del', '10.99.0.200/32', 'dev', 'lo']);
    await daemon.untilDump(/10\.99\.0\.0\/16/);
    assert.equal(await answers(pod, UNALLOCATED), 'timeout');
  });
});
