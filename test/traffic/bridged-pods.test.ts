import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clientsSeen, connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR, NODE_TO_PODS } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS, type Target } from '../scenarios/runner/cast.ts';
import { node, ready, service, serviceCidr, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const FAMILIES = [
  { version: 'ip4', bits: 32, at: (address: string) => `${address}:8080` },
  { version: 'ip6', bits: 128, at: (address: string) => `[${address}]:8080` },
] as const;

/** The bridge's own address on the link layer. */
const BRIDGE_MAC = '02:6b:70:02:00:01';

/** Another pod behind the bridge: an address of the cast's that has no namespace of its own there. */
const NEIGHBOUR = ENDPOINTS['here-2'];

/**
 * Pods behind a bridge, as CNI's bridge plugin places them, with net.bridge.bridge-nf-call-iptables=1: then the kernel
 * runs the chains of hook prerouting while a packet is still on the bridge, and a refusal leaves from there.
 */
describe('pods behind a bridge, with br_netfilter', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const neighbour = world.addPodNamespace(NEIGHBOUR.ip4, NEIGHBOUR.ip6);
    bridge([pod, neighbour]);
    const listen = ({ ip4, ip6 }: { readonly ip4: string; readonly ip6: string }) => onTcpAndUdp([ip4, ip6]);
    running.push(await startServers(world, neighbour, listen(NEIGHBOUR)));
    running.push(await startServers(world, 'pods', listen(ENDPOINTS.here)));
    daemon = new Daemon(world);
    const objects = [
      node(),
      service('web'),
      ...slices('web', [ready('here'), ready('here-2')]),
      service('empty', { clusterIp: 'cluster-ip-2' }),
      serviceCidr('kubernetes', ['10.96.0.0/12', 'fd00:96::/112']),
    ];
    daemon.write(objects.map((object) => ({ ...object })));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Moves the links of pods, which are routed one by one, into a bridge; the pods reach each other over it. */
  function bridge(pods: readonly PodNamespace[]): void {
    world.nodeShell(`[ -e /proc/sys/net/bridge ] || modprobe br_netfilter
ip link add cbr0 address ${BRIDGE_MAC} type bridge
ip link set cbr0 up
for f in iptables ip6tables; do echo 1 > /proc/sys/net/bridge/bridge-nf-call-$f; done
`);
    for (const { device } of pods)
      world.nodeShell(`ip address flush dev ${device}\nip link set ${device} master cbr0\n`);
    for (const { version, bits } of FAMILIES) {
      const near = NODE_TO_PODS[version];
      world.nodeShell(`ip address add ${near}/${bits} dev cbr0${version === 'ip6' ? ' nodad' : ''}\n`);
      for (const one of pods) {
        world.nodeShell(`ip route replace ${one[version]} dev cbr0\nip neigh flush dev ${one.device}\n`);
        const commands = pods
          .filter((other) => other !== one)
          .map((other) => ['route', 'add', other[version], 'dev', 'eth0']);
        commands.push(['neigh', 'replace', near, 'lladdr', BRIDGE_MAC, 'nud', 'permanent', 'dev', 'eth0']);
        for (const command of commands) world.execSync(one, ['ip', ...command]);
      }
    }
  }

  for (const { version, at } of FAMILIES) {
    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      const from = (address: string, port: number, timeoutMs = 2000) =>
        exchange(world, pod, { address, port, count: 40, timeoutMs });
      const title = (text: string) => `${version} ${protocol}: ${text}`;

      it(title('reach pods behind the bridge and elsewhere through a Service, and keep their address'), async () => {
        const outcomes = await from(TARGETS['cluster-ip'][version], 80);
        const endpoints = [ENDPOINTS.here, NEIGHBOUR].map((endpoint) => at(endpoint[version]));
        assert.deepEqual(Object.keys(tally(outcomes)).sort(), endpoints.sort());
        assert.deepEqual(clientsSeen(outcomes), { [CLIENTS.pod[version]]: 40 });
      });

      it(title('reach their neighbour by its own address, over the bridge'), async () => {
        const outcomes = await from(NEIGHBOUR[version], 8080);
        assert.deepEqual(tally(outcomes), { [at(NEIGHBOUR[version])]: 40 });
        assert.deepEqual(clientsSeen(outcomes), { [CLIENTS.pod[version]]: 40 });
      });

      it(title('are refused without endpoints and on unknown ports, dropped at unallocated addresses'), async () => {
        const met = async (target: Target, port: number, timeoutMs?: number) =>
          tally(await from(TARGETS[target][version], port, timeoutMs));
        assert.deepEqual(await met('cluster-ip-2', 80), { refused: 40 });
        assert.deepEqual(await met('cluster-ip', 81), { refused: 40 });
        assert.deepEqual(await met('unallocated-ip', 80, 500), { timeout: 40 });
      });
    }
  }
});
