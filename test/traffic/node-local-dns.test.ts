import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, serviceCidr, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const PORTS = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
] as const;

/** Metrics of the cache: a port that the DNS Service does not have. */
const METRICS = 9253;

/** A ClusterIP that is a Service's, and one that is no Service's (the Service was deleted, say). */
const ADDRESSES = [TARGETS['cluster-ip'], TARGETS['unallocated-ip']];

const VERSIONS = [
  ['ip4', (address: string, port: number) => `${address}:${port}`],
  ['ip6', (address: string, port: number) => `[${address}]:${port}`],
] as const;

/** What NodeLocal DNSCache puts before conntrack: queries to its addresses and its answers are not tracked. */
const NOT_TRACKED = `table inet node-local-dns {
chain prerouting { type filter hook prerouting priority raw; ${rule('daddr', 'dport')} }
chain output { type filter hook output priority raw; ${rule('daddr', 'dport')} ${rule('saddr', 'sport')} }
}`;

function rule(address: 'saddr' | 'daddr', port: 'sport' | 'dport'): string {
  const [ip4, ip6] = (['ip4', 'ip6'] as const).map((version) => ADDRESSES.map((pair) => pair[version]).join(', '));
  return `ip ${address} { ${ip4} } th ${port} 53 notrack; ip6 ${address} { ${ip6} } th ${port} 53 notrack;`;
}

describe('a node-local DNS cache that binds ClusterIPs on the node', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    // The cache has an interface of type dummy, which not every kernel knows; what counts is that they are local.
    for (const { ip4, ip6 } of ADDRESSES) {
      world.nodeShell(`ip address add ${ip4}/32 dev lo\nip address add ${ip6}/128 dev lo nodad\n`);
    }
    const listen = (addresses: readonly string[], ports: readonly number[]) =>
      addresses.flatMap((address) =>
        ports.flatMap((port) => (['tcp', 'udp'] as const).map((protocol) => ({ protocol, address, port }))),
      );
    const own = ADDRESSES.flatMap(({ ip4, ip6 }) => [ip4, ip6]);
    running.push(await startServers(world, 'node', listen(own, [53, METRICS])));
    running.push(await startServers(world, 'pods', listen([ENDPOINTS.here.ip4, ENDPOINTS.here.ip6], [8053])));
    daemon = new Daemon(world);
    const objects = [
      node(),
      service('dns', { ports: PORTS }),
      ...slices('dns', [ready('here')], { ports: PORTS.map((port) => ({ ...port, port: 8053 })) }),
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

  /** Asserts who answers from the node, a pod and outside, over both protocols. */
  async function assertAnswers(address: string, port: number, endpoint: string): Promise<void> {
    for (const from of ['node', pod, 'client'] as const) {
      for (const exchange of [connectTcp, exchangeUdp]) {
        const outcomes = await exchange(world, from, { address, port, count: 5 });
        assert.deepEqual(tally(outcomes), { [endpoint]: 5 }, `${address} ${port} ${exchange.name}`);
      }
    }
  }

  for (const [version, at] of VERSIONS) {
    const [service, unallocated] = ADDRESSES.map((pair) => pair[version]) as [string, string];

    it(`${version}: is reached on ports that the Service does not have`, async () => {
      await assertAnswers(service, METRICS, at(service, METRICS));
    });

    it(`${version}: is reached on every port of an address that no Service has`, async () => {
      for (const port of [53, METRICS]) await assertAnswers(unallocated, port, at(unallocated, port));
    });

    it(`${version}: the Service's own port leads to its endpoints, and to the cache once it is not tracked`, async () => {
      await assertAnswers(service, 53, at(ENDPOINTS.here[version], 8053));
      world.loadNft('node', NOT_TRACKED);
      for (const address of [service, unallocated]) await assertAnswers(address, 53, at(address, 53));
      world.nodeShell('nft delete table inet node-local-dns');
    });
  }

  it('on a port where nobody listens, the node itself says so', async () => {
    for (const { ip4, ip6 } of ADDRESSES) {
      for (const address of [ip4, ip6]) {
        for (const exchange of [connectTcp, exchangeUdp]) {
          // Not "prohibited", as a datagram that our output hook rejects is.
          assert.deepEqual(tally(await exchange(world, 'node', { address, port: 999 })), { refused: 1 });
        }
      }
    }
  });
});
