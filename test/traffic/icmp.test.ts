import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { exchangeUdp, tally } from '../netns/clients.ts';
import { runHelper, startHelper } from '../netns/helper-program.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, serviceCidr, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const VERSIONS = ['ip4', 'ip6'] as const;
const PORT_UNREACHABLE = { ip4: 'unreachable 3 3', ip6: 'unreachable 1 4' } as const;

/** That TCP and UDP of the same addresses are served and refused is for other tests. */
describe('ICMP', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  let places: readonly Where[];

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    places = ['client', pod, 'node'];
    daemon = new Daemon(world);
    const objects = [
      node(),
      service('web', { loadBalancerIps: ['lb-ip'] }),
      ...slices('web', [ready('here')]),
      serviceCidr('kubernetes', ['10.96.0.0/12', 'fd00:96::/112']),
    ];
    daemon.write(objects.map((object) => ({ ...object })));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(() => {
    daemon[Symbol.dispose]();
    world.remove();
  });

  async function ping(from: Where, address: string): Promise<string> {
    return (await runHelper(world, from, 'ping', [address, 0.5], { timeoutMs: 10_000 })).join();
  }

  for (const version of VERSIONS) {
    it(`${version}: an echo request to a ClusterIP is refused, to an unallocated one dropped`, async () => {
      for (const from of ['client', pod] as const) {
        assert.equal(await ping(from, TARGETS['cluster-ip'][version]), PORT_UNREACHABLE[version]);
        assert.equal(await ping(from, TARGETS['unallocated-ip'][version]), 'nothing');
      }
      // The kernel tells the node's own sockets EPERM.
      assert.equal(await ping('node', TARGETS['cluster-ip'][version]), 'prohibited');
    });

    it(`${version}: one to a pod or to the node is answered`, async () => {
      for (const from of places) {
        assert.equal(await ping(from, ENDPOINTS.here[version]), 'reply');
        assert.equal(await ping(from, TARGETS.node[version]), 'reply');
      }
    });

    it(`${version}: a pod’s error about a translated datagram reaches the client`, async () => {
      for (const target of ['cluster-ip', 'lb-ip'] as const) {
        for (const from of places) {
          // Nobody listens at the endpoint: the pod says so.
          const outcomes = await exchangeUdp(world, from, { address: TARGETS[target][version], port: 80, count: 5 });
          assert.deepEqual(tally(outcomes), { refused: 5 });
        }
      }
    });

    it(`${version}: a client’s error about a translated answer reaches the pod`, async () => {
      const lines: string[] = [];
      const onLine = (line: string) => lines.push(line);
      const server = await startHelper(world, 'pods', 'late_answer', [ENDPOINTS.here[version], 8080], { onLine });
      const untilLines = (count: number) =>
        eventually(
          () => lines.length >= count,
          () => lines.join(),
        );
      let sofar = 0;
      for (const target of ['cluster-ip', 'lb-ip'] as const) {
        for (const from of places) {
          server.child.stdin?.write('listen\n');
          await untilLines(++sofar);
          const datagram = { address: TARGETS[target][version], port: 80, timeoutMs: 100 };
          assert.deepEqual(tally(await exchangeUdp(world, from, datagram)), { timeout: 1 });
          // The client's socket is closed by now.
          server.child.stdin?.write('answer\n');
          await untilLines(++sofar);
          assert.equal(lines.at(-1), 'refused');
        }
      }
      await server.stop();
    });
  }
});
