import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clientsSeen, connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { captureSctp, sendSctpInit } from '../netns/sctp.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { type AddressPair, NODE_TO_PODS } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { serviceObjects } from './manifests.ts';

const pair = (n: number): AddressPair => ({ ip4: `10.32.0.${n}`, ip6: `fd00:32::${n}` });
const WEB: AddressPair = { ip4: '10.96.0.80', ip6: 'fd00:96::80' };
const SELF: AddressPair = { ip4: '10.96.0.81', ip6: 'fd00:96::81' };
const EMPTY: AddressPair = { ip4: '10.96.0.82', ip6: 'fd00:96::82' };
const PODS = [pair(21), pair(22), pair(23)];
const SINGLE: AddressPair = { ip4: '10.32.7.1', ip6: 'fd00:32::701' };

const PORTS = ['TCP', 'UDP', 'SCTP'].map((protocol) => ({
  name: protocol.toLowerCase(),
  protocol,
  port: 80,
  to: 8080,
}));
const OBJECTS = [
  ...serviceObjects({ name: 'web', clusterIps: WEB, ports: PORTS, endpoints: PODS }),
  ...serviceObjects({ name: 'self', clusterIps: SELF, ports: PORTS, endpoints: [SINGLE] }),
  ...serviceObjects({ name: 'empty', clusterIps: EMPTY, ports: PORTS, endpoints: [] }),
];

const FAMILIES = [
  { family: 'ip4', endpoint: (address: string) => `${address}:8080`, remotePod: '10.33.0.9' },
  { family: 'ip6', endpoint: (address: string) => `[${address}]:8080`, remotePod: 'fd00:33::9' },
] as const;

describe('connections to a ClusterIP', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true, icmpRateLimit: false });
    pod = world.addPodNamespace(SINGLE.ip4, SINGLE.ip6);
    running.push(await startServers(world, 'pods', onTcpAndUdp(PODS.flatMap(({ ip4, ip6 }) => [ip4, ip6]))));
    running.push(await startServers(world, pod, onTcpAndUdp(['*', '**'])));
    daemon = new Daemon(world);
    daemon.write(OBJECTS);
    await daemon.start();
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const { family, endpoint, remotePod } of FAMILIES) {
    const endpoints = PODS.map((address) => endpoint(address[family]));
    const masqueraded = NODE_TO_PODS[family];

    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      it(`${family} ${protocol}: spread over the ready pods; pods keep their address, others get the node's`, async () => {
        const cases = [
          ['client', undefined, masqueraded],
          ['node', undefined, masqueraded],
          ['remote', remotePod, remotePod],
          [pod, undefined, SINGLE[family]],
        ] as const;
        for (const [where, source, seen] of cases) {
          const target = { address: WEB[family], port: 80, count: 200, ...(source && { source }) };
          const outcomes = await exchange(world, where, target);
          assert.deepEqual(Object.keys(tally(outcomes)).sort(), endpoints);
          assert.deepEqual(clientsSeen(outcomes), { [seen]: 200 });
        }
      });

      it(`${family} ${protocol}: a pod reaches itself through its Service, from the node's address`, async () => {
        const outcomes = await exchange(world, pod, { address: SELF[family], port: 80, count: 20 });
        assert.deepEqual(tally(outcomes), { [endpoint(SINGLE[family])]: 20 });
        assert.deepEqual(clientsSeen(outcomes), { [masqueraded]: 20 });
      });

      it(`${family} ${protocol}: refused at once without endpoints, and on a port the Service does not have`, async () => {
        for (const where of ['client', 'node', pod] as const) {
          for (const [address, port] of [
            [EMPTY[family], 80],
            [WEB[family], 81],
          ] as const) {
            const outcomes = await exchange(world, where, { address, port, count: 50 });
            // The kernel tells a UDP socket on the node itself EPERM, as for every datagram its output hook rejects.
            const refusal = protocol === 'UDP' && where === 'node' ? 'prohibited' : 'refused';
            assert.deepEqual(tally(outcomes), { [refusal]: 50 });
          }
        }
      });
    }

    it(`${family} SCTP: an INIT reaches each pod with a right checksum; refused without endpoints`, async () => {
      const capture = await captureSctp(world, 'pods');
      await sendSctpInit(world, 'client', { destination: WEB[family], port: 80, count: 40, waitMs: 0 });
      for (const { [family]: destination } of PODS) {
        const packet = await capture.waitFor((candidate) => candidate.destination === destination);
        assert.deepEqual(
          { ...packet, sourcePort: 0 },
          { source: masqueraded, sourcePort: 0, destination, port: 8080, chunk: 1, checksumGood: true },
        );
      }
      await capture.stop();
      const replies = await sendSctpInit(world, 'client', { destination: EMPTY[family], port: 80, waitMs: 2000 });
      assert.deepEqual(
        replies.map(({ refused }) => refused),
        [true],
      );
    });
  }

  it('follow the Service as it changes: other endpoints, none, deleted', async () => {
    const answers = async () => tally(await connectTcp(world, 'client', { address: WEB.ip4, port: 80, count: 50 }));
    const [, ...others] = PODS;
    const rest = OBJECTS.slice(3);
    daemon.write([...serviceObjects({ name: 'web', clusterIps: WEB, ports: PORTS, endpoints: others }), ...rest]);
    // The third slot is gone.
    await daemon.untilDump(/^(?![\s\S]*10\.96\.0\.80 \. 80 \. 2 )/);
    assert.deepEqual(Object.keys(await answers()).sort(), ['10.32.0.22:8080', '10.32.0.23:8080']);
    daemon.write([...serviceObjects({ name: 'web', clusterIps: WEB, ports: PORTS, endpoints: [] }), ...rest]);
    await daemon.untilDump(/10\.96\.0\.80 \. tcp \. 80 .* goto refuse/);
    assert.deepEqual(await answers(), { refused: 50 });
    daemon.write(OBJECTS);
    await daemon.untilDump(/10\.96\.0\.80 \. tcp \. 80 .* goto pick-tcp-4/);
    assert.equal(Object.keys(await answers()).length, 3);
  });

  it('with --masquerade-all pods lose their address; without a cluster CIDR nobody does', async () => {
    const seenFrom = async (where: 'client' | PodNamespace) =>
      clientsSeen(await connectTcp(world, where, { address: WEB.ip4, port: 80, count: 10 }));
    await daemon.stop();
    await daemon.start(['--masquerade-all']);
    assert.deepEqual(await seenFrom(pod), { [NODE_TO_PODS.ip4]: 10 });
    await daemon.stop();
    await daemon.start([]);
    assert.deepEqual(await seenFrom('client'), { '192.0.2.100': 10 });
    await daemon.stop();
    await daemon.start();
  });
});
