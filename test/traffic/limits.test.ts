import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestDaemon } from '../../src/control/control-socket.ts';
import type { Connections } from '../../src/status/connections.ts';
import { eventually } from '../builders/eventually.ts';
import { rawNode } from '../builders/raw-objects.ts';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

const FAMILIES = [
  {
    family: 'IPv4',
    address: (n: number) => `10.96.0.${n}`,
    node: NODE.ip4,
    pod: '10.32.0.21',
    one: '198.18.0.1',
    other: '198.18.0.2',
  },
  {
    family: 'IPv6',
    address: (n: number) => `fd00:96::${n}`,
    node: NODE.ip6,
    pod: 'fd00:32::21',
    one: '2001:db8:18::1',
    // Another network: all of a /64 count as one client.
    other: NODE.ip6,
  },
] as const;

const PORTS = (['TCP', 'UDP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol }));

/**
 * A dual-stack Service with an endpoint, and with another one on the host network if that is requested; `n`: the last part of its
 * ClusterIPs, and of its node ports.
 */
function service(
  name: string,
  n: number,
  annotations: Readonly<Record<string, string>>,
  onHost = false,
): readonly RawObject[] {
  return [
    {
      kind: 'Service',
      metadata: { name, annotations },
      spec: {
        type: 'NodePort',
        clusterIPs: FAMILIES.map(({ address }) => address(n)),
        ports: PORTS.map((port) => ({ ...port, port: 80, nodePort: 30_000 + n })),
      },
    },
    ...FAMILIES.map(({ family, pod, node }) => ({
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: family,
      ports: PORTS.map((port) => ({ ...port, port: 8080 })),
      endpoints: [pod, ...(onHost ? [node] : [])].map((address) => ({
        addresses: [address],
        conditions: { ready: true },
        nodeName: 'node-a',
      })),
    })),
  ];
}

const LIMITED = 11;
const FULL = 12;
const CHANGED = 13;
const PER_SECOND = 2;
const OPEN = 3;

const OBJECTS: readonly RawObject[] = [
  rawNode('node-a', ...FAMILIES.map(({ node }) => node)),
  ...service('limited', LIMITED, { 'kube-proxy-nft/limit': `${PER_SECOND}/s` }),
  ...service('full', FULL, { 'kube-proxy-nft/max-connections': `${OPEN}` }, true),
];

describe('limits of a Service', () => {
  let world: World;
  let daemon: Daemon;
  let servers: readonly RunningHelper[] = [];

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    servers = [
      await startServers(world, 'pods', onTcpAndUdp(FAMILIES.map(({ pod }) => pod))),
      await startServers(world, 'node', onTcpAndUdp(FAMILIES.map(({ node }) => node))),
    ];
    daemon = new Daemon(world);
    daemon.write(OBJECTS);
    await daemon.start(['--hostname-override', 'node-a']);
  });

  after(async () => {
    for (const helper of servers) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const { family, address, node, one, pod } of FAMILIES) {
    const [endpoint = '', onHost = ''] = [pod, node].map((one) =>
      family === 'IPv4' ? `${one}:8080` : `[${one}]:8080`,
    );

    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      it(`${family} ${protocol}: a client with too many new connections is refused, at each address, and no other is`, async () => {
        // TCP and UDP of a client share its bucket.
        await sleep(1100);
        // All at once: more than the bucket holds, whatever comes in meanwhile.
        const many = { address: address(LIMITED), port: 80, count: 60, source: one, concurrency: 60 };
        const first = tally(await exchange(world, 'client', many));
        assert.ok((first[endpoint] ?? 0) >= PER_SECOND && (first['refused'] ?? 0) > 0, JSON.stringify(first));
        assert.equal((first[endpoint] ?? 0) + (first['refused'] ?? 0), 60, JSON.stringify(first));
        const atNode = { ...many, address: node, port: 30_000 + LIMITED };
        const second = tally(await exchange(world, 'client', atNode));
        assert.ok((second['refused'] ?? 0) > 0, JSON.stringify(second));
        // Two a second, at once, from elsewhere.
        const others = { address: address(LIMITED), port: 80, count: PER_SECOND };
        assert.deepEqual(tally(await exchange(world, 'client', others)), { [endpoint]: PER_SECOND });
        // And the same one again, when a second has passed.
        await sleep(1100);
        assert.deepEqual(tally(await exchange(world, 'client', { ...others, source: one })), {
          [endpoint]: PER_SECOND,
        });
      });
    }

    it(`${family}: another limit holds at once for a client that keeps coming`, async () => {
      const limit = async (perSecond: number) => {
        daemon.write([...OBJECTS, ...service('changed', CHANGED, { 'kube-proxy-nft/limit': `${perSecond}/s` })]);
        // In both families: each has transactions of its own.
        const rule = new RegExp(`over ${perSecond}/second .*default/changed`);
        const lacks = (table: string) => !rule.test(world.nodeShell(`nft -t list table ${table} kube-proxy-nft`));
        await eventually(
          () => !['ip', 'ip6'].some(lacks),
          () => daemon.log,
        );
      };
      const comes = async (count: number) => {
        const flows = { address: address(CHANGED), port: 80, count, source: one, concurrency: count };
        return tally(await connectTcp(world, 'client', flows));
      };
      await limit(1000);
      assert.deepEqual(await comes(20), { [endpoint]: 20 });
      await limit(1);
      assert.ok(((await comes(20))['refused'] ?? 0) > 0);
      await limit(1000);
      assert.deepEqual(await comes(20), { [endpoint]: 20 });
    });

    it(`${family}: each endpoint has so many open connections at most, also on the host network; one that ends makes room`, async () => {
      const open: RunningHelper[] = [];
      const atClusterIp = { address: address(FULL), port: 80 };
      const atNode = { address: node, port: 30_000 + FULL };
      try {
        // An endpoint that is full may be drawn before the other one is.
        for (let tries = 0; open.length < 2 * OPEN; tries++) {
          assert.ok(tries < 200, `only ${open.length} connections are open`);
          const to = tries % 2 === 0 ? atClusterIp : atNode;
          try {
            open.push(await startHelper(world, 'client', 'open_connection', [to.address, to.port]));
          } catch (error) {
            assert.match(String(error), /ConnectionRefusedError/);
          }
        }
        for (const [where, to] of [
          ['client', atClusterIp],
          ['client', atNode],
          ['node', atClusterIp],
          ['pods', atClusterIp],
        ] as const) {
          assert.deepEqual(tally(await connectTcp(world, where, { ...to, count: 20 })), { refused: 20 });
        }
        // Nor is anybody else held up who knows the endpoint's own address.
        const direct = { address: pod, port: 8080, count: 2 };
        assert.deepEqual(tally(await connectTcp(world, 'node', direct)), { [endpoint]: 2 });
        await open.pop()?.stop();
        const { refused: _, ...freed } = tally(
          await connectTcp(world, 'client', { ...atClusterIp, count: 40, concurrency: 1 }),
        );
        const [its = '', ...others] = Object.keys(freed);
        assert.deepEqual([[endpoint, onHost].includes(its), others], [true, []], JSON.stringify(freed));
      } finally {
        for (const helper of open) await helper.stop();
      }
    });
  }

  it('are counted, each by itself, Service by Service', async () => {
    const answer = await requestDaemon(join(daemon.directory, 'run'), '/connections');
    const { limited = [] }: Connections = JSON.parse(`${answer}`);
    const of = (name: string) =>
      limited.find(({ namespace, service }) => `${namespace}/${service}` === `default/${name}`);
    // In each family: TCP and UDP, at the ClusterIP at least; and from four places.
    const { limited: byLimit = 0, ...rest } = of('limited') ?? {};
    assert.ok(byLimit > 4, JSON.stringify(limited));
    assert.deepEqual(rest, { namespace: 'default', service: 'limited', unlimited: 0 });
    const { full = 0, ...others } = of('full') ?? {};
    assert.ok(full >= 160, JSON.stringify(limited));
    assert.deepEqual(others, { namespace: 'default', service: 'full' });
  });
});
