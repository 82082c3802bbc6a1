import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientHash } from '../../src/trace/client-hash.ts';
import { connectTcp, exchangeUdp, type Outcome } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

const FAMILIES = [
  { family: 'IPv4', clusterIp: '10.96.0.10', node: NODE.ip4, pod: '10.32.0.', client: (n: number) => `198.18.0.${n}` },
  {
    family: 'IPv6',
    clusterIp: 'fd00:96::10',
    node: NODE.ip6,
    pod: 'fd00:32::',
    client: (n: number) => `2001:db8:18::${n.toString(16)}`,
  },
] as const;

const CLIENTS = 32;
const PODS = [11, 12, 13, 14];

/** Of one Service, over both of its ports: PODS are more, and one pod is less than half of it. */
const FLAGS = ['--hostname-override', 'node-a', '--max-affinity-endpoints=6'];

/** Dual-stack Service default/web with session affinity: 80 of its ClusterIPs and 30080 of the node, to 8080 of the pods. */
function objects(pods: readonly number[]): readonly RawObject[] {
  const ports = (['TCP', 'UDP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol }));
  const addresses = FAMILIES.map(({ node }) => ({ type: 'InternalIP', address: node }));
  return [
    { kind: 'Node', metadata: { name: 'node-a' }, status: { addresses } },
    {
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        type: 'NodePort',
        clusterIPs: FAMILIES.map(({ clusterIp }) => clusterIp),
        ports: ports.map((port) => ({ ...port, port: 80, nodePort: 30080 })),
        sessionAffinity: 'ClientIP',
      },
    },
    ...FAMILIES.map(({ family, pod }) => ({
      kind: 'EndpointSlice',
      metadata: { name: `web-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: family,
      ports: ports.map((port) => ({ ...port, port: 8080 })),
      endpoints: pods.map((n) => ({ addresses: [`${pod}${n}`], conditions: { ready: true }, nodeName: 'node-a' })),
    })),
  ];
}

describe('session affinity with more endpoints than have lists of clients', () => {
  let world: World;
  let daemon: Daemon;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld();
    const pods = FAMILIES.flatMap(({ pod }) => PODS.map((n) => `${pod}${n}`));
    servers = await startServers(world, 'pods', onTcpAndUdp(pods));
    daemon = new Daemon(world);
    daemon.write(objects(PODS));
    await daemon.start(FLAGS);
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const { family, clusterIp, node, pod, client } of FAMILIES) {
    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      /** The last part of the address of the pod that each of the clients got. */
      const podsOfClients = async (address: string = clusterIp, port = 80): Promise<readonly number[]> => {
        const options = { address, port, count: CLIENTS, source: client(1), sources: CLIENTS };
        return (await exchange(world, 'client', options)).map((outcome: Outcome) => {
          const text = 'error' in outcome ? outcome.error : outcome.endpoint;
          return Number(/[.:](\d+)\]?:8080$/.exec(text)?.[1] ?? assert.fail(text));
        });
      };
      /** The same once the kernel has a change: what the dump shows may still be on its way there. */
      const podsOnce = async (isThere: (pods: readonly number[]) => boolean): Promise<readonly number[]> => {
        for (let attempt = 0; attempt < 100; attempt++) {
          const pods = await podsOfClients();
          // Asked again: the first of them may have been asked before the change was there.
          if (isThere(pods)) return podsOfClients();
          await sleep(100);
        }
        return assert.fail('the change is not there');
      };
      const title = (text: string) => `${family} ${protocol}: ${text}`;

      it(
        title('a client’s address chooses its endpoint, always the same, at every address of the Service'),
        async () => {
          const first = await podsOfClients();
          assert.equal(new Set(first).size, PODS.length);
          assert.deepEqual(await podsOfClients(), first);
          assert.deepEqual(await podsOfClients(node, 30080), first);
          // What --trace says of it: the kernel's hash, over four full slots.
          const expected = first.map((_, i) => PODS[clientHash(client(i + 1), PODS.length, 1)]);
          assert.deepEqual(first, expected, pod);
        },
      );

      it(title('it stays so over a restart, and for those whose endpoint stays when another goes'), async () => {
        const first = await podsOfClients();
        await daemon.stop();
        await daemon.start(FLAGS);
        assert.match(daemon.log, /up to date .*written=0/);
        assert.deepEqual(await podsOfClients(), first);
        daemon.write(objects(PODS.slice(0, 3)));
        const second = await podsOnce((pods) => !pods.includes(14));
        for (const [i, before] of first.entries()) if (before !== 14) assert.equal(second[i], before);
        daemon.write(objects(PODS));
        assert.deepEqual(await podsOnce((pods) => pods.includes(14)), first);
      });
    }
  }

  it('is said, and ends below half of the limit, not before', async () => {
    assert.match(daemon.log, /Service default\/web: .* 8 endpoints, more than 6 .*\(affinity-by-hash\)/);
    daemon.write(objects(PODS.slice(0, 2)));
    await daemon.untilNoDump(/fd00:32::13/);
    await daemon.untilDump(/goto pick-client-tcp-4/);
    daemon.write(objects(PODS.slice(0, 1)));
    await daemon.untilDump(/set affinity-/);
    await daemon.untilNoDump(/goto pick-client/);
    daemon.write(objects(PODS.slice(0, 3)));
    await daemon.untilDump(/affinity-\S+fd00\.32\.\.13/);
    daemon.write(objects(PODS));
    await daemon.untilNoDump(/set affinity-/);
  });
});
