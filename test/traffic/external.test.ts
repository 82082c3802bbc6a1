import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rawNode } from '../builders/raw-objects.ts';
import { clientsSeen, connectTcp, exchangeUdp, type Outcome, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLIENT, CLUSTER_CIDR, NODE, NODE_TO_PODS, NODE_TO_REMOTE } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

/** An address in each family. */
type Pair = readonly [ip4: string, ip6: string];

interface Example {
  readonly name: string;
  readonly n: number;
  readonly spec?: object;
  readonly external?: boolean;
  readonly loadBalancer?: boolean;
  /** Where its endpoints are: on this node, elsewhere. */
  readonly endpoints: readonly ('here' | 'there')[];
}

const clusterIp = (n: number): Pair => [`10.96.0.${n}`, `fd00:96::${n}`];
const externalIp = (n: number): Pair => [`203.0.113.${n}`, `2001:db8:113::${n}`];
const ENDPOINTS = {
  here: { addresses: ['10.32.0.21', 'fd00:32::21'], nodeName: 'node-a' },
  there: { addresses: ['10.33.0.22', 'fd00:33::22'], nodeName: 'node-b' },
} as const;

function objectsOf({ name, n, spec = {}, external, loadBalancer, endpoints }: Example): readonly RawObject[] {
  const protocols = ['TCP', 'UDP'];
  const slice = (family: 0 | 1): RawObject => ({
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family}`, labels: { 'kubernetes.io/service-name': name } },
    addressType: ['IPv4', 'IPv6'][family],
    ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 8080 })),
    endpoints: endpoints.map((where) => ({
      addresses: [ENDPOINTS[where].addresses[family]],
      conditions: { ready: true },
      nodeName: ENDPOINTS[where].nodeName,
    })),
  });
  return [
    {
      kind: 'Service',
      metadata: { name },
      spec: {
        type: 'LoadBalancer',
        clusterIP: clusterIp(n)[0],
        clusterIPs: clusterIp(n),
        ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, nodePort: 30000 + n })),
        ...(external && { externalIPs: externalIp(n) }),
        ...spec,
      },
      ...(loadBalancer && { status: { loadBalancer: { ingress: externalIp(n).map((ip) => ({ ip })) } } }),
    },
    slice(0),
    slice(1),
  ];
}

const LOCAL = { externalTrafficPolicy: 'Local' };
const BOTH = ['here', 'there'] as const;
const OBJECTS = [
  rawNode('node-a', NODE.ip4, NODE.ip6),
  ...[
    { name: 'cluster', n: 1, external: true, endpoints: BOTH },
    { name: 'local', n: 2, external: true, spec: LOCAL, endpoints: BOTH },
    { name: 'elsewhere', n: 3, external: true, spec: LOCAL, endpoints: ['there'] as const },
    { name: 'nowhere', n: 4, external: true, spec: LOCAL, endpoints: [] },
    {
      name: 'balanced',
      n: 5,
      loadBalancer: true,
      spec: { loadBalancerSourceRanges: [`${CLIENT.ip4}/32`, ' 2001:db8:2::100/128 '] },
      endpoints: BOTH,
    },
    { name: 'inside', n: 6, spec: { internalTrafficPolicy: 'Local' }, endpoints: BOTH },
    { name: 'inside-elsewhere', n: 7, spec: { internalTrafficPolicy: 'Local' }, endpoints: ['there'] as const },
  ].flatMap(objectsOf),
];

const FAMILIES = [
  {
    family: 0,
    here: '10.32.0.21:8080',
    there: '10.33.0.22:8080',
    node: NODE.ip4,
    otherNode: NODE_TO_REMOTE.ip4,
    client: CLIENT.ip4,
    pod: '10.32.7.1',
    blocked: '198.18.0.9',
    own: [NODE_TO_PODS.ip4, NODE_TO_REMOTE.ip4],
    loopback: '127.0.0.1',
  },
  {
    family: 1,
    here: '[fd00:32::21]:8080',
    there: '[fd00:33::22]:8080',
    node: NODE.ip6,
    otherNode: NODE_TO_REMOTE.ip6,
    client: CLIENT.ip6,
    pod: 'fd00:32::701',
    blocked: '2001:db8:18::9',
    own: [NODE_TO_PODS.ip6, NODE_TO_REMOTE.ip6],
    loopback: '::1',
  },
] as const;

describe('a Service reached from everywhere', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true, icmpRateLimit: false });
    pod = world.addPodNamespace('10.32.7.1', 'fd00:32::701');
    for (const [where, { addresses }] of [
      ['pods', ENDPOINTS.here],
      ['remote', ENDPOINTS.there],
    ] as const) {
      const servers = onTcpAndUdp(addresses);
      running.push(await startServers(world, where, servers));
    }
    // The way to external addresses leads through the node.
    world.execSync('client', ['ip', 'route', 'add', '203.0.113.0/24', 'via', NODE.ip4]);
    world.execSync('client', ['ip', 'route', 'add', '2001:db8:113::/64', 'via', NODE.ip6]);
    daemon = new Daemon(world);
    daemon.write(OBJECTS);
    await daemon.start(flags());
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  const flags = (...more: readonly string[]) => [
    '--hostname-override',
    'node-a',
    '--cluster-cidr',
    `${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`,
    ...more,
  ];

  for (const [protocol, exchange] of [
    ['TCP', connectTcp],
    ['UDP', exchangeUdp],
  ] as const) {
    for (const { family, here, there, node, otherNode, client, pod: podAddress, blocked, own, loopback } of FAMILIES) {
      const from = (where: Where, address: string, port: number, source?: string): Promise<Outcome[]> =>
        exchange(world, where, {
          address,
          port,
          count: 40,
          timeoutMs: 300,
          concurrency: 40,
          ...(source && { source }),
        });
      const endpoints = (outcomes: readonly Outcome[]) => Object.keys(tally(outcomes)).sort();
      const sources = (outcomes: readonly Outcome[]) => Object.keys(clientsSeen(outcomes)).sort();
      const title = (text: string) => `IPv${family === 0 ? 4 : 6} ${protocol}: ${text}`;
      const both = [here, there].sort();
      const nodeAddresses = [...own].sort();

      it(title('policy Cluster: external IP and node port reach every endpoint, from the node’s address'), async () => {
        for (const where of ['client', pod] as const) {
          for (const [address, port] of [
            [externalIp(1)[family], 80],
            [node, 30001],
          ] as const) {
            const outcomes = await from(where, address, port);
            assert.deepEqual(endpoints(outcomes), both, `${address} ${port}`);
            assert.deepEqual(sources(outcomes), nodeAddresses);
          }
        }
      });

      it(
        title('policy Local: from outside to endpoints here with the source kept; from pods and the node to all'),
        async () => {
          for (const [address, port] of [
            [externalIp(2)[family], 80],
            [node, 30002],
          ] as const) {
            const outside = await from('client', address, port);
            assert.deepEqual([endpoints(outside), sources(outside)], [[here], [client]]);
            const fromPod = await from(pod, address, port);
            assert.deepEqual([endpoints(fromPod), sources(fromPod)], [both, [podAddress]]);
            const fromNode = await from('node', address, port);
            assert.deepEqual([endpoints(fromNode), sources(fromNode)], [both, nodeAddresses]);
          }
        },
      );

      it(
        title(
          'policy Local without an endpoint here: dropped from outside, served from pods; with none anywhere: refused',
        ),
        async () => {
          for (const [address, port] of [
            [externalIp(3)[family], 80],
            [node, 30003],
          ] as const) {
            assert.deepEqual(endpoints(await from('client', address, port)), ['timeout']);
            assert.deepEqual(endpoints(await from(pod, address, port)), [there]);
          }
          for (const [address, port] of [
            [externalIp(4)[family], 80],
            [node, 30004],
          ] as const) {
            assert.deepEqual(endpoints(await from('client', address, port)), ['refused']);
          }
        },
      );

      it(title('load balancer’s source ranges: filtered on its address, not on the node port'), async () => {
        const vip = externalIp(5)[family];
        assert.deepEqual(endpoints(await from('client', vip, 80)), both);
        assert.deepEqual(endpoints(await from('client', vip, 80, blocked)), ['timeout']);
        assert.deepEqual(endpoints(await from(pod, vip, 80)), ['timeout']);
        assert.deepEqual(endpoints(await from('client', node, 30005, blocked)), both);
      });

      it(title('internal policy Local: to endpoints here; dropped where they are elsewhere'), async () => {
        assert.deepEqual(endpoints(await from(pod, clusterIp(6)[family], 80)), [here]);
        assert.deepEqual(endpoints(await from(pod, clusterIp(7)[family], 80)), ['timeout']);
      });

      it(title('node ports are served on the primary address only, never on loopback'), async () => {
        assert.deepEqual(endpoints(await from(pod, otherNode, 30001)), ['refused']);
        assert.deepEqual(endpoints(await from('node', loopback, 30001)), ['refused']);
      });
    }
  }

  it('another program’s translation of a node port’s number is neither translated nor masqueraded by us', async () => {
    const [other, source] = ['10.32.0.99', '198.18.0.77'];
    running.push(await startServers(world, 'pods', [{ protocol: 'tcp', address: other, port: 8080 }]));
    // A hostPort, as a CNI plugin makes it: before us, for this client alone.
    const rule = `ip saddr ${source} tcp dport 30001 dnat to ${other}:8080`;
    world.loadNft(
      'node',
      `table ip hostport {\n chain pre {\n type nat hook prerouting priority -101\n ${rule}\n }\n}\n`,
    );
    const outcomes = await connectTcp(world, 'client', { address: NODE.ip4, port: 30001, count: 20, source });
    assert.deepEqual(tally(outcomes), { [`${other}:8080`]: 20 });
    assert.deepEqual(clientsSeen(outcomes), { [source]: 20 });
    world.nodeShell('nft delete table ip hostport');
    const ours = await connectTcp(world, 'client', { address: NODE.ip4, port: 30001, count: 20, source });
    assert.deepEqual(Object.keys(clientsSeen(ours)).sort(), [NODE_TO_PODS.ip4, NODE_TO_REMOTE.ip4].sort());
  });

  it('--nodeport-addresses all and networks', async () => {
    const reach = async (address: string) => tally(await connectTcp(world, pod, { address, port: 30001, count: 20 }));
    for (const [addresses, other, primary] of [
      ['all', true, true],
      [`${NODE_TO_REMOTE.ip4}/24`, true, false],
    ] as const) {
      await daemon.stop();
      await daemon.start(flags('--nodeport-addresses', addresses));
      assert.equal('refused' in (await reach(NODE_TO_REMOTE.ip4)), !other);
      assert.equal('refused' in (await reach(NODE.ip4)), !primary);
      assert.deepEqual(tally(await connectTcp(world, 'node', { address: '127.0.0.1', port: 30001 })), { refused: 1 });
    }
  });

  it('--detect-local-mode by interface: pods on it keep their address, others do not', async () => {
    const seen = async (where: Where, n: number) =>
      clientsSeen(await connectTcp(world, where, { address: clusterIp(n)[0], port: 80, count: 5 }));
    await daemon.stop();
    await daemon.start([
      '--hostname-override',
      'node-a',
      '--detect-local-mode',
      'InterfaceNamePrefix',
      '--pod-interface-name-prefix',
      'pod',
    ]);
    assert.deepEqual(await seen(pod, 6), { '10.32.7.1': 5 });
    assert.deepEqual(await seen('client', 6), { [NODE_TO_PODS.ip4]: 5 });
  });

  it('a new address of the Node moves the node ports without a restart', async () => {
    await daemon.stop();
    await daemon.start(flags());
    daemon.write([rawNode('node-a', NODE_TO_REMOTE.ip4), ...OBJECTS.slice(1)]);
    await daemon.untilDump(/198\.51\.100\.1\/32/);
    const reach = async (address: string) => Object.keys(tally(await connectTcp(world, pod, { address, port: 30001 })));
    assert.deepEqual(await reach(NODE.ip4), ['refused']);
    assert.notDeepEqual(await reach(NODE_TO_REMOTE.ip4), ['refused']);
  });
});
