import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR, CLUSTER_IPS } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const FAMILIES = [
  { version: 'ip4', family: 'ip', at: (address: string) => `${address}:8080` },
  { version: 'ip6', family: 'ip6', at: (address: string) => `[${address}]:8080` },
] as const;

/** Node ports: one that is served, one without endpoints, and one of policy Local without endpoints on this node. */
const NODE_PORTS = { served: 30_080, refused: 30_081, dropped: 30_082 } as const;

/** A pod's address that the client outside uses, too. */
const FORGED = '10.32.0.77';

/** Refused: a frontend without endpoints, and a port that its Service does not have. */
const REFUSED = [
  ['cluster-ip-2', 80],
  ['cluster-ip', 81],
] as const;

describe('a refusal', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const { ip4, ip6 } = ENDPOINTS.here;
    servers = await startServers(world, 'pods', onTcpAndUdp([ip4, ip6]));
    world.loadNft(
      'pods',
      `table ip seen {
chain in { type filter hook prerouting priority 0;
ip saddr ${FORGED} tcp flags & syn == syn counter comment "syn"
ip daddr ${FORGED} ip saddr ${CLUSTER_IPS.ip4} tcp flags & rst == rst counter comment "rst"
}
}
`,
    );
    daemon = new Daemon(world);
    const objects = [
      node(),
      service('web', { nodePort: NODE_PORTS.served }),
      ...slices('web', [ready('here')]),
      service('empty', { clusterIp: 'cluster-ip-2', nodePort: NODE_PORTS.refused }),
      service('local', {
        clusterIp: 'cluster-ip-3',
        nodePort: NODE_PORTS.dropped,
        spec: { externalTrafficPolicy: 'Local' },
      }),
      ...slices('local', [ready('there')]),
    ];
    daemon.write(objects.map((object) => ({ ...object })));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Clients everywhere are served, and refused where nobody serves. */
  async function assertServedAndRefused({ version, at }: (typeof FAMILIES)[number]): Promise<void> {
    for (const from of ['client', pod, 'node'] as const) {
      for (const exchange of [connectTcp, exchangeUdp]) {
        const met = async (target: keyof typeof TARGETS, port: number) =>
          tally(await exchange(world, from, { address: TARGETS[target][version], port, count: 5 }));
        assert.deepEqual(await met('cluster-ip', 80), { [at(ENDPOINTS.here[version])]: 5 });
        // The kernel tells a UDP socket on the node itself EPERM.
        const refusal = exchange === exchangeUdp && from === 'node' ? 'prohibited' : 'refused';
        for (const [target, port] of REFUSED) assert.deepEqual(await met(target, port), { [refusal]: 5 });
      }
    }
  }

  /** Packets that came to the pods so far: connections from the forged address, and resets that its owner got. */
  function seen(): { readonly syn: number; readonly rst: number } {
    const { stdout } = world.execSync('pods', ['nft', 'list', 'table', 'ip', 'seen']);
    const count = (comment: string) => Number(new RegExp(`packets (\\d+) .* comment "${comment}"`).exec(stdout)?.[1]);
    return { syn: count('syn'), rst: count('rst') };
  }

  for (const one of FAMILIES) {
    const { version, at } = one;

    it(`${version}: reaches a client on the node whose port has a node port’s number, whatever becomes of that`, async () => {
      const source = TARGETS.node[version];
      for (const sourcePort of Object.values(NODE_PORTS)) {
        for (const [target, port] of REFUSED) {
          const flow = { address: TARGETS[target][version], port, source, sourcePort, timeoutMs: 1000 };
          const which = `from ${sourcePort} to ${target}`;
          // The reset comes by in output. Rules for the node port would drop it, or refuse it, which no reset answers.
          assert.deepEqual(tally(await connectTcp(world, 'node', flow)), { refused: 1 }, which);
          assert.deepEqual(tally(await exchangeUdp(world, 'node', flow)), { prohibited: 1 }, which);
        }
      }
    });

    it(`${version}: of a node port is for its own clients; the others are served, or dropped`, async () => {
      const met = async (port: number) =>
        tally(await connectTcp(world, 'client', { address: TARGETS.node[version], port, timeoutMs: 1000 }));
      assert.deepEqual(await met(NODE_PORTS.served), { [at(ENDPOINTS.here[version])]: 1 });
      assert.deepEqual(await met(NODE_PORTS.refused), { refused: 1 });
      assert.deepEqual(await met(NODE_PORTS.dropped), { timeout: 1 });
    });

    it(`${version}: comes before other programs’ input and forward chains, which would have dropped the packet`, async () => {
      const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority -200; policy drop;\n}\n`;
      world.loadNft('node', `table ${one.family} firewall {\n${chain('input')}${chain('forward')}}\n`);
      const met = async (target: keyof typeof TARGETS, port: number) =>
        tally(await connectTcp(world, 'client', { address: TARGETS[target][version], port, timeoutMs: 300 }));
      assert.deepEqual(await met('cluster-ip', 80), { timeout: 1 });
      for (const [target, port] of REFUSED) assert.deepEqual(await met(target, port), { refused: 1 });
      world.nodeShell(`nft delete table ${one.family} firewall`);
      await assertServedAndRefused(one);
    });
  }

  it('is the same with rp_filter=1, but that it goes to the owner of a forged address', async () => {
    world.execSync('client', ['ip', 'address', 'add', `${FORGED}/32`, 'dev', 'lo']);
    const forged = async (target: keyof typeof TARGETS, port: number) =>
      tally(await connectTcp(world, 'client', { address: TARGETS[target].ip4, port, source: FORGED, timeoutMs: 300 }));
    assert.deepEqual(await forged('cluster-ip', 80), { timeout: 1 });
    assert.deepEqual(seen(), { syn: 1, rst: 0 }, 'without rp_filter');
    world.nodeShell('for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 > "$f"; done');
    for (const one of FAMILIES) await assertServedAndRefused(one);
    assert.deepEqual(await forged('cluster-ip', 80), { timeout: 1 });
    assert.deepEqual(seen(), { syn: 1, rst: 0 });
    for (const [target, port] of REFUSED) assert.deepEqual(await forged(target, port), { timeout: 1 });
    assert.deepEqual(seen(), { syn: 1, rst: REFUSED.length });
  });
});
