import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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

/** A dual-stack Service with one endpoint; `n`: the last part of its ClusterIPs, and of its node ports. */
function service(name: string, n: number, annotations: Readonly<Record<string, string>>): readonly RawObject[] {
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
    ...FAMILIES.map(({ family, pod }) => ({
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: family,
      ports: PORTS.map((port) => ({ ...port, port: 8080 })),
      endpoints: [{ addresses: [pod], conditions: { ready: true }, nodeName: 'node-a' }],
    })),
  ];
}

const LIMITED = 11;
const FULL = 12;
const PER_SECOND = 2;
const OPEN = 3;

const OBJECTS: readonly RawObject[] = [
  {
    kind: 'Node',
    metadata: { name: 'node-a' },
    status: { addresses: FAMILIES.map(({ node }) => ({ type: 'InternalIP', address: node })) },
  },
  ...service('limited', LIMITED, { 'kube-proxy-nft/limit': `${PER_SECOND}/s` }),
  ...service('full', FULL, { 'kube-proxy-nft/max-connections': `${OPEN}` }),
];

describe('limits of a Service', () => {
  let world: World;
  let daemon: Daemon;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    servers = await startServers(world, 'pods', onTcpAndUdp(FAMILIES.map(({ pod }) => pod)));
    daemon = new Daemon(world);
    daemon.write(OBJECTS);
    await daemon.start(['--hostname-override', 'node-a']);
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const { family, address, node, one, pod } of FAMILIES) {
    const endpoint = family === 'IPv4' ? `${pod}:8080` : `[${pod}]:8080`;

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

    it(`${family}: an endpoint with as many open connections as it may have gets no more, until one ends`, async () => {
      const open: RunningHelper[] = [];
      const to = { address: address(FULL), port: 80 };
      try {
        for (let i = 0; i < OPEN; i++) {
          open.push(await startHelper(world, 'client', 'open_connection', [to.address, to.port]));
        }
        assert.deepEqual(tally(await connectTcp(world, 'client', { ...to, count: 5 })), { refused: 5 });
        const atNode = { address: node, port: 30_000 + FULL, count: 2 };
        assert.deepEqual(tally(await connectTcp(world, 'client', atNode)), { refused: 2 });
        assert.deepEqual(tally(await connectTcp(world, 'node', { ...to, count: 2 })), { refused: 2 });
        await open.pop()?.stop();
        const again = tally(await connectTcp(world, 'client', { ...to, count: 1 }));
        assert.deepEqual(again, { [endpoint]: 1 });
      } finally {
        for (const helper of open) await helper.stop();
      }
    });
  }
});
