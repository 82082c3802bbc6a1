import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../builders/eventually.ts';
import { rawNode } from '../builders/raw-objects.ts';
import { connectTcp, exchangeUdp, type Outcome } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

const FAMILIES = [
  { family: 'IPv4', clusterIp: '10.96.0.10', node: NODE.ip4, firstClient: '198.18.0.1', pod: '10.32.0.' },
  { family: 'IPv6', clusterIp: 'fd00:96::10', node: NODE.ip6, firstClient: '2001:db8:18::1', pod: 'fd00:32::' },
] as const;

const CLIENTS = 32;

interface Wanted {
  /** Last parts of the pods' addresses. */
  readonly pods: readonly number[];
  readonly affinity?: Readonly<Record<string, unknown>>;
}

const STICKY = { sessionAffinity: 'ClientIP' };

/** Dual-stack Service default/web: 80 of its ClusterIPs and 30080 of the node, TCP and UDP, to 8080 of the pods. */
function objects({ pods, affinity = STICKY }: Wanted): readonly RawObject[] {
  const protocols = ['TCP', 'UDP'] as const;
  return [
    rawNode('node-a', ...FAMILIES.map(({ node }) => node)),
    {
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        type: 'NodePort',
        clusterIPs: FAMILIES.map(({ clusterIp }) => clusterIp),
        ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, nodePort: 30080 })),
        ...affinity,
      },
    },
    ...FAMILIES.map(({ family, pod }) => ({
      kind: 'EndpointSlice',
      metadata: { name: `web-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: family,
      ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 8080 })),
      endpoints: pods.map((n) => ({ addresses: [`${pod}${n}`], conditions: { ready: true }, nodeName: 'node-a' })),
    })),
  ];
}

describe('session affinity ClientIP', () => {
  let world: World;
  let daemon: Daemon;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld();
    const pods = FAMILIES.flatMap(({ pod }) => [11, 12, 13, 14].map((n) => `${pod}${n}`));
    servers = await startServers(world, 'pods', onTcpAndUdp(pods));
    daemon = new Daemon(world);
    daemon.write(objects({ pods: [11, 12, 13, 14] }));
    await start();
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  const start = () => daemon.start(['--hostname-override', 'node-a']);

  /** Waits until the rules of both families bind clients for this time, as nft writes it. Each family has transactions of its own. */
  const untilBoundFor = async (timeout: string) => {
    const pending = () =>
      ['ip', 'ip6'].filter((table) => {
        const rules = world.nodeShell(`nft -t list table ${table} kube-proxy-nft`);
        return !rules.includes(`{ ${table} saddr timeout ${timeout} }`);
      });
    await eventually(
      () => pending().length === 0,
      () => `${pending().join()} does not bind clients for ${timeout}`,
    );
  };

  for (const { family, clusterIp, node, firstClient } of FAMILIES) {
    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      /** The endpoint each of the clients got. */
      const endpoints = async (address: string = clusterIp, port = 80): Promise<readonly string[]> => {
        const options = { address, port, count: CLIENTS, source: firstClient, sources: CLIENTS };
        return (await exchange(world, 'client', options)).map((outcome: Outcome) =>
          'error' in outcome ? outcome.error : outcome.endpoint,
        );
      };
      const title = (text: string) => `${family} ${protocol}: ${text}`;

      it(
        title('a client stays with its endpoint, whatever address of the Service it uses; clients are spread'),
        async () => {
          const first = await endpoints();
          assert.equal(new Set(first).size, 4);
          assert.deepEqual(await endpoints(), first);
          assert.deepEqual(await endpoints(node, 30080), first);
        },
      );

      it(title('a restart of the daemon keeps the clients'), async () => {
        const first = await endpoints();
        await daemon.stop();
        assert.deepEqual(await endpoints(), first);
        await start();
        assert.match(daemon.log, /up to date .*written=0/);
        assert.deepEqual(await endpoints(), first);
      });

      it(title('the clients of a removed endpoint move, all others stay'), async () => {
        const first = await endpoints();
        daemon.write(objects({ pods: [12, 13, 14] }));
        await daemon.untilNoDump(/endpoint-\S+(10\.32\.0|fd00\.32\.)\.11/);
        const second = await endpoints();
        for (const [i, endpoint] of second.entries()) {
          if (/[.:]11\]?:8080/.test(first[i] ?? '')) assert.doesNotMatch(endpoint, /[.:]11\]?:8080/);
          else assert.equal(endpoint, first[i]);
        }
        daemon.write(objects({ pods: [11, 12, 13, 14] }));
        await daemon.untilDump(/fd00\.32\.\.11/);
        assert.deepEqual(await endpoints(), second);
      });

      it(title('each Service has its own timeout, and can be switched on and off'), async () => {
        const sticky = (timeoutSeconds: number) => ({
          pods: [11, 12, 13, 14],
          affinity: { ...STICKY, sessionAffinityConfig: { clientIP: { timeoutSeconds } } },
        });
        daemon.write(objects(sticky(1)));
        await untilBoundFor('1s');
        const first = await endpoints();
        await sleep(2500);
        assert.notDeepEqual(await endpoints(), first);
        daemon.write(objects({ pods: [11, 12, 13, 14], affinity: {} }));
        await daemon.untilNoDump(/set affinity-/);
        assert.notDeepEqual(await endpoints(), await endpoints());
        daemon.write(objects({ pods: [11, 12, 13, 14] }));
        await untilBoundFor('3h');
        assert.deepEqual(await endpoints(), await endpoints());
      });
    }
  }
});
