import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { rawNode } from '../builders/raw-objects.ts';
import { exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLIENT, CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

/** An address in each family. */
type Pair = readonly [ip4: string, ip6: string];
const CLUSTER_IP: Pair = ['10.96.0.10', 'fd00:96::10'];
const EXTERNAL_IP: Pair = ['203.0.113.1', '2001:db8:113::1'];
const BALANCER_IP: Pair = ['203.0.113.2', '2001:db8:113::2'];
const NODE_IP: Pair = [NODE.ip4, NODE.ip6];
const NODE_PORTS: FrontendPorts = { dns: 30053, log: 30514 };
const OTHER_SOURCE: Pair = ['198.18.0.9', '2001:db8:18::9'];

const HERE = { addresses: ['10.32.0.21', 'fd00:32::21'], nodeName: 'node-a' } as const;
const THERE = { addresses: ['10.33.0.22', 'fd00:33::22'], nodeName: 'node-b' } as const;
const FAMILIES = [0, 1] as const;
const both = (work: (family: 0 | 1) => Promise<unknown>) => Promise.all(FAMILIES.map(work));
const AND_NODE = rawNode('node-a', ...NODE_IP);

/** Only dns has servers: nobody ever answers the others. */
const PORTS = [
  { name: 'dns', protocol: 'UDP', port: 53, nodePort: NODE_PORTS.dns },
  { name: 'log', protocol: 'UDP', port: 514, nodePort: NODE_PORTS.log },
  { name: 'other', protocol: 'UDP', port: 999 },
];

/** Numbers of the ports dns and log. */
interface FrontendPorts {
  readonly dns: number;
  readonly log: number;
}

interface Example {
  readonly name?: string;
  readonly clusterIps?: Pair;
  readonly spec?: object;
  readonly balanced?: boolean;
  readonly endpoints?: readonly (typeof HERE | typeof THERE)[];
  readonly dnsPort?: number;
}

/** Service dns on all kinds of frontends, with one endpoint on this node. */
function dns({ name = 'dns', clusterIps = CLUSTER_IP, spec, balanced = true, ...rest }: Example = {}): RawObject[] {
  const { endpoints = [HERE], dnsPort = 8080 } = rest;
  const slice = (family: 0 | 1): RawObject => ({
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family}`, labels: { 'kubernetes.io/service-name': name } },
    addressType: ['IPv4', 'IPv6'][family],
    ports: [
      { name: 'dns', protocol: 'UDP', port: dnsPort },
      { name: 'log', protocol: 'UDP', port: 5514 },
      { name: 'other', protocol: 'UDP', port: 9999 },
    ],
    endpoints: endpoints.map(({ addresses, nodeName }) => ({
      addresses: [addresses[family]],
      conditions: { ready: true },
      nodeName,
    })),
  });
  const service = {
    kind: 'Service',
    metadata: { name },
    spec: {
      type: 'LoadBalancer',
      clusterIP: clusterIps[0],
      clusterIPs: clusterIps,
      ports: PORTS,
      externalIPs: EXTERNAL_IP,
      ...spec,
    },
    ...(balanced && { status: { loadBalancer: { ingress: BALANCER_IP.map((ip) => ({ ip })) } } }),
  };
  return [service, slice(0), slice(1)];
}

describe('UDP flows of the daemon', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    // Nothing here is to go by itself.
    world = createWorld({
      remote: true,
      icmpRateLimit: false,
      udpTimeoutSeconds: { unreplied: 600, replied: 600 },
    });
    pod = world.addPodNamespace('10.32.7.1', 'fd00:32::701');
    for (const [where, { addresses }] of [
      ['pods', HERE],
      ['remote', THERE],
    ] as const) {
      const servers = addresses.flatMap((address) =>
        [8080, 9090].map((port) => ({ protocol: 'udp' as const, address, port })),
      );
      running.push(await startServers(world, where, servers));
    }
    // The way to external addresses leads through the node.
    world.execSync('client', ['ip', 'route', 'add', '203.0.113.0/24', 'via', NODE.ip4]);
    world.execSync('client', ['ip', 'route', 'add', '2001:db8:113::/64', 'via', NODE.ip6]);
    daemon = new Daemon(world);
    daemon.write([AND_NODE, ...dns()]);
    await start();
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  beforeEach(async () => {
    await apply(dns());
    world.execSync('node', ['conntrack', '-F']);
  });

  function start(): Promise<void> {
    const podNetworks = `${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`;
    return daemon.start(['--hostname-override', 'node-a', '--cluster-cidr', podNetworks]);
  }

  /** How often the daemon has looked at the flows of either family. */
  function looks(): readonly number[] {
    const read = 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:10249/metrics").read().decode())';
    const metrics = world.execSync('node', ['python3', '-c', read]).stdout;
    const name = 'kubeproxy_conntrack_reconciler_sync_duration_seconds_count';
    return ['IPv4', 'IPv6'].map((family) =>
      Number(new RegExp(`^${name}\\{ip_family="${family}"\\} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0),
    );
  }

  /** Brings objects in force and waits until the flows of both families have been looked at. */
  let revision = 0;
  async function apply(objects: readonly RawObject[]): Promise<void> {
    const sofar = looks();
    revision++;
    // A UDP Service that changes each time: there is always something to look at.
    const marker = dns({
      name: 'marker',
      clusterIps: [`10.96.1.${revision}`, `fd00:96::1:${revision}`],
      spec: { type: 'ClusterIP', ports: [{ name: 'dns', protocol: 'UDP', port: 53 }], externalIPs: [] },
      balanced: false,
    });
    daemon.write([AND_NODE, ...objects, ...marker]);
    await eventually(
      () => looks().every((count, i) => count > (sofar[i] ?? 0)),
      () => daemon.log,
    );
  }

  /** The flows to an address and port: client's port → who answers, or would. */
  function flows(address: string, port: number): Record<string, string> {
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    const listing = world.execSync('node', ['conntrack', '-L', '-f', family, '-p', 'udp', '-d', address]).stdout;
    const found = listing.matchAll(/ sport=(\d+) dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+)/g);
    return Object.fromEntries(
      [...found].filter(([, , dport]) => Number(dport) === port).map((match) => [match[1], `${match[3]} ${match[4]}`]),
    );
  }

  /** Sends one datagram and waits for an answer. */
  async function send(address: string, port: number, sourcePort: number, from: Where = 'client', source?: string) {
    const options = { address, port, sourcePort, timeoutMs: 300, ...(source !== undefined && { source }) };
    return tally(await exchangeUdp(world, from, options));
  }

  const of = (endpoint: string, port: number) => ({
    [endpoint.includes(':') ? `[${endpoint}]:${port}` : `${endpoint}:${port}`]: 1,
  });

  /** Opens an answered and an unanswered flow to a frontend of either family. */
  async function open(addresses: Pair, ports: FrontendPorts = { dns: 53, log: 514 }) {
    await both(async (family) => {
      assert.deepEqual(await send(addresses[family], ports.dns, 7000), of(HERE.addresses[family], 8080));
      await send(addresses[family], ports.log, 7001);
      assert.deepEqual(kept(addresses, ports)[family], [
        { 7000: `${HERE.addresses[family]} 8080` },
        { 7001: `${HERE.addresses[family]} 5514` },
      ]);
    });
    return () => kept(addresses, ports);
  }

  function kept(addresses: Pair, ports: FrontendPorts) {
    return addresses.map((address) => [flows(address, ports.dns), flows(address, ports.log)]);
  }

  const NONE = [
    [{}, {}],
    [{}, {}],
  ];

  it('end with their Service, on each kind of frontend', async () => {
    const opened = [
      await open(CLUSTER_IP),
      await open(EXTERNAL_IP),
      await open(BALANCER_IP),
      await open(NODE_IP, NODE_PORTS),
    ];
    await apply([]);
    for (const left of opened) assert.deepEqual(left(), NONE);
    await both(async (family) => {
      assert.deepEqual(await send(EXTERNAL_IP[family], 53, 7000), { timeout: 1 }, 'it is nobody any more');
    });
  });

  const withoutNodePorts = PORTS.map(({ nodePort, ...port }) => port);
  const removals: readonly (readonly [what: string, Pair, Example, FrontendPorts?])[] = [
    ['a port', CLUSTER_IP, { spec: { ports: PORTS.slice(2) } }],
    ['a node port', NODE_IP, { spec: { ports: withoutNodePorts } }, NODE_PORTS],
    ['an external IP', EXTERNAL_IP, { spec: { externalIPs: [] } }],
    ["a load balancer's IP", BALANCER_IP, { balanced: false }],
  ];
  for (const [what, addresses, change, ports] of removals) {
    it(`end with ${what} that goes, and only those`, async () => {
      const left = await open(addresses, ports);
      await both((family) => send(CLUSTER_IP[family], 999, 7002));
      await apply(dns(change));
      assert.deepEqual(left(), NONE);
      await both(async (family) => {
        assert.deepEqual(flows(CLUSTER_IP[family], 999), { 7002: `${HERE.addresses[family]} 9999` });
      });
    });
  }

  it('end with a Service that becomes an ExternalName', async () => {
    const left = await open(CLUSTER_IP);
    await apply(dns({ spec: { type: 'ExternalName', externalName: 'example.org' } }));
    assert.deepEqual(left(), NONE);
  });

  it('of a node port that goes end, but not those to the node itself on the same port', async () => {
    const left = await open(NODE_IP, NODE_PORTS);
    await both(async (family) => {
      const [client, node] = [Object.values(CLIENT)[family] ?? '', NODE_IP[family]];
      const tuple = ['-p', 'udp', '-s', client, '-d', node, '--sport', '7005', '--dport', String(NODE_PORTS.dns)];
      world.execSync('node', ['conntrack', '-I', ...tuple, '-t', '600']);
    });
    await apply([]);
    await both(async (family) => {
      assert.deepEqual(left()[family], [{ 7005: `${NODE_IP[family]} ${NODE_PORTS.dns}` }, {}]);
    });
  });

  it('go on to another Service that takes over the address', async () => {
    await both((family) => send(EXTERNAL_IP[family], 53, 7000));
    const successor = { name: 'successor', clusterIps: ['10.96.0.11', 'fd00:96::11'], dnsPort: 9090 } as const;
    const spec = { ports: withoutNodePorts };
    await apply([...dns(), ...dns({ ...successor, spec })]);
    await both(async (family) => {
      assert.deepEqual(await send(EXTERNAL_IP[family], 53, 7000), of(HERE.addresses[family], 8080));
    });
    await apply(dns({ ...successor, spec }));
    await both(async (family) => {
      assert.deepEqual(await send(EXTERNAL_IP[family], 53, 7000), of(HERE.addresses[family], 9090));
    });
  });

  it('of clients that source ranges no longer admit end, those of others stay', async () => {
    const left = await open(BALANCER_IP);
    await both((family) => send(BALANCER_IP[family], 53, 7003, 'client', OTHER_SOURCE[family]));
    await apply(dns({ spec: { loadBalancerSourceRanges: ['198.18.0.0/16', '2001:db8:18::/64'] } }));
    await both(async (family) => {
      const allowed = { 7003: `${HERE.addresses[family]} 8080` };
      assert.deepEqual(left()[family], [allowed, {}]);
      assert.deepEqual(await send(BALANCER_IP[family], 53, 7000), { timeout: 1 });
    });
  });

  for (const [what, addresses, ports] of [
    ['an external IP', EXTERNAL_IP, { dns: 53, log: 514 }],
    ['a node port', NODE_IP, NODE_PORTS],
  ] as const) {
    it(`from outside to ${what} end where policy Local finds no endpoint here, those from this node stay`, async () => {
      await apply(dns({ endpoints: [THERE] }));
      const from: readonly (readonly [Where, number])[] = [
        ['client', 7000],
        [pod, 7010],
        ['node', 7020],
      ];
      const there = (family: 0 | 1, port: number) => `${THERE.addresses[family]} ${port}`;
      await both(async (family) => {
        for (const [where, sourcePort] of from) {
          const answer = await send(addresses[family], ports.dns, sourcePort, where);
          assert.deepEqual(answer, of(THERE.addresses[family], 8080));
          await send(addresses[family], ports.log, sourcePort, where);
        }
        assert.equal(Object.keys(flows(addresses[family], ports.log)).length, 3);
      });
      await apply(dns({ endpoints: [THERE], spec: { externalTrafficPolicy: 'Local' } }));
      await both(async (family) => {
        const left = (port: number) => ({ 7010: there(family, port), 7020: there(family, port) });
        assert.deepEqual(flows(addresses[family], ports.dns), left(8080));
        assert.deepEqual(flows(addresses[family], ports.log), left(5514));
        assert.deepEqual(await send(addresses[family], ports.dns, 7000), { timeout: 1 });
        assert.deepEqual(await send(addresses[family], ports.dns, 7010, pod), of(THERE.addresses[family], 8080));
      });
    });
  }

  it('without an answer end where nobody serves any more, and the client is refused', async () => {
    const left = await open(CLUSTER_IP);
    await apply(dns({ endpoints: [] }));
    assert.deepEqual(left(), NONE);
    await both(async (family) => {
      assert.deepEqual(await send(CLUSTER_IP[family], 514, 7001), { refused: 1 });
    });
  });

  it('end with a Service that went while the daemon was down', async () => {
    const opened = [await open(CLUSTER_IP), await open(EXTERNAL_IP), await open(NODE_IP, NODE_PORTS)];
    await daemon.stop('SIGKILL');
    daemon.write([AND_NODE]);
    await start();
    await eventually(
      () => opened.every((left) => left().every((pair) => pair.every((found) => Object.keys(found).length === 0))),
      () => JSON.stringify(opened.map((left) => left())),
    );
  });

  it('of others stay: from and to addresses of their own', async () => {
    const others: Pair = ['10.33.0.99', 'fd00:33::99'];
    await both(async (family) => {
      await send(CLIENT[family === 0 ? 'ip4' : 'ip6'], 53, 7030, pod);
      await send(others[family], NODE_PORTS.dns, 7031);
    });
    const all = () =>
      FAMILIES.map((family) => [flows(others[family], NODE_PORTS.dns), flows(Object.values(CLIENT)[family] ?? '', 53)]);
    const sofar = all();
    await apply([]);
    assert.deepEqual(all(), sofar);
    assert.ok(sofar.flat().every((found) => Object.keys(found).length === 1));
  });
});
