import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { exchangeUdp, tally } from '../netns/clients.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { tracePackets, type Visit } from '../netns/packet-traces.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ranges, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const NODE_PORT = 30_080;
/** Answers over each connection while its packets are followed. */
const ANSWERS = 10;

/** Frontends whose first packet goes through different chains. */
const FRONTENDS = [
  ['cluster-ip', 80],
  ['node', NODE_PORT],
  ['lb-ip', 80],
] as const;

/** How many packets came to each of the base chains. */
function chainsOf(visits: readonly Visit[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { table, chain } of visits) {
    const name = table === 'kube-proxy-nft' ? chain : `${table} ${chain}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('an open connection', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld({ udpTimeoutSeconds: { unreplied: 600, replied: 600 } });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const { ip4, ip6 } = ENDPOINTS.here;
    servers = await startServers(world, 'pods', onTcpAndUdp([ip4, ip6]));
    daemon = new Daemon(world);
    const loadBalancerSourceRanges = ranges(['outside', 'pod', 'node']);
    const web = service('web', {
      nodePort: NODE_PORT,
      loadBalancerIps: ['lb-ip'],
      spec: { externalTrafficPolicy: 'Local', loadBalancerSourceRanges },
    });
    daemon.write([node(), web, ...slices('web', [ready('here')])].map((object) => ({ ...object })));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const version of ['ip4', 'ip6'] as const) {
    const flows = (['client', 'pod', 'node'] as const).flatMap((from) =>
      FRONTENDS.map(([target, port]) => ({ from, address: TARGETS[target][version], port })),
    );
    const where = (from: 'client' | 'pod' | 'node') => (from === 'pod' ? pod : from);

    /** A translated connection does not come to the chains for those that nobody has translated. */
    const chainsOfFirstPackets = {
      'nat-prerouting': 2 * FRONTENDS.length,
      'nat-output': FRONTENDS.length,
      'nat-postrouting': flows.length,
    };

    it(`${version}: TCP: its first packet meets our chains, no other one does`, async () => {
      const traces = await tracePackets(world, [80, NODE_PORT, 8080]);
      const connections = await Promise.all(
        flows.map(async ({ from, address, port }) => {
          let answers = 0;
          const onLine = () => {
            answers++;
          };
          const helper = await startHelper(world, where(from), 'long_connection', [address, port], { onLine });
          return { helper, answers: () => answers };
        }),
      );
      await eventually(
        () => connections.every(({ answers }) => answers() >= ANSWERS),
        () => connections.map(({ answers }) => answers()).join(),
      );
      for (const { helper } of connections) await helper.stop();
      const { packets, visits } = await traces.stop();
      assert.deepEqual(
        visits.filter(({ packet }) => !/ tcp flags == (syn|0x2) /.test(packet)),
        [],
      );
      assert.deepEqual(chainsOf(visits), chainsOfFirstPackets);
      // A request and its answer for each.
      assert.ok(packets > flows.length * ANSWERS * 2, `${packets} packets`);
    });

    it(`${version}: UDP: the first datagram meets our chains, no other one does`, async () => {
      const traces = await tracePackets(world, [80, NODE_PORT, 8080]);
      await Promise.all(
        flows.map(async ({ from, address, port }, i) => {
          const sourcePort = (version === 'ip4' ? 20_000 : 21_000) + i;
          const outcomes = await exchangeUdp(world, where(from), { address, port, sourcePort, count: ANSWERS });
          assert.equal(Object.values(tally(outcomes))[0], ANSWERS);
        }),
      );
      const { packets, visits } = await traces.stop();
      assert.deepEqual(chainsOf(visits), chainsOfFirstPackets);
      // All datagrams and their answers.
      assert.equal(packets, flows.length * ANSWERS * 2);
    });
  }
});
