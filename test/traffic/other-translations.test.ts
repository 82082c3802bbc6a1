import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, serviceCidr, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const FAMILIES = [
  { version: 'ip4', family: 'ip', at: (address: string, port: number) => `${address}:${port}` },
  { version: 'ip6', family: 'ip6', at: (address: string, port: number) => `[${address}]:${port}` },
] as const;

/** Where the other program sends connections. */
const OTHER = ENDPOINTS['here-2'];

/** What it translates: a port that no Service has of a ClusterIP, an address that no Service has, and a Service's own. */
const UNKNOWN_PORT = ['cluster-ip', 81] as const;
const UNALLOCATED = ['unallocated-ip', 80] as const;
const SERVED = ['cluster-ip', 80] as const;

/** A program beside us that translates addresses of the service network, in both hooks and families. */
function otherProgram(priority: number): string {
  const chains = FAMILIES.map(({ version, family, at }) => {
    const rules = [UNKNOWN_PORT, UNALLOCATED, SERVED].map(([target, port]) => {
      const matched = `${family} daddr ${TARGETS[target][version]} meta l4proto { tcp, udp } th dport ${port}`;
      return `${matched} dnat to ${at(OTHER[version], 8080)}`;
    });
    const chain = (hook: string) =>
      `chain ${hook} { type nat hook ${hook} priority ${priority};\n${rules.join('\n')}\n}`;
    return `table ${family} other {\n${chain('prerouting')}\n${chain('output')}\n}\n`;
  });
  return chains.join('');
}

describe('translations of another program inside the service network', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const addresses = [ENDPOINTS.here, OTHER].flatMap(({ ip4, ip6 }) => [ip4, ip6]);
    servers = await startServers(world, 'pods', onTcpAndUdp(addresses));
    daemon = new Daemon(world);
    const objects = [
      node(),
      service('web'),
      ...slices('web', [ready('here')]),
      serviceCidr('kubernetes', ['10.96.0.0/12', 'fd00:96::/112']),
    ];
    daemon.write(objects.map((object) => ({ ...object })));
    // Its table is older than ours: among chains of one priority the kernel runs the younger first.
    world.loadNft('node', otherProgram(-100));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Takes the place of the other program's table. */
  function replaceOther(priority?: number): void {
    for (const { family } of FAMILIES) world.nodeShell(`nft delete table ${family} other`);
    if (priority !== undefined) world.loadNft('node', otherProgram(priority));
  }

  /** What connections from everywhere, over TCP and UDP in both families, come to: one word if it is the same for all. */
  async function met([target, port]: readonly [keyof typeof TARGETS, number]): Promise<string> {
    const outcomes = new Set<string>();
    for (const { version, at } of FAMILIES) {
      const words: Record<string, string> = {
        [at(OTHER[version], 8080)]: 'the other program’s',
        [at(ENDPOINTS.here[version], 8080)]: 'ours',
        // The kernel tells a UDP socket on the node itself EPERM, whether its datagram was rejected or dropped.
        prohibited: 'refused',
      };
      for (const from of ['client', pod, 'node'] as const) {
        for (const exchange of [connectTcp, exchangeUdp]) {
          if (exchange === exchangeUdp && from === 'node' && target === 'unallocated-ip') continue;
          const options = { address: TARGETS[target][version], port, count: 5, timeoutMs: 300 };
          for (const outcome of Object.keys(tally(await exchange(world, from, options)))) {
            outcomes.add(words[outcome] ?? outcome);
          }
        }
      }
    }
    return [...outcomes].sort().join(' and ');
  }

  it('at our priority, from a table older or younger than ours: what no Service has is spared', async () => {
    assert.equal(await met(UNKNOWN_PORT), 'the other program’s');
    assert.equal(await met(UNALLOCATED), 'the other program’s');
    replaceOther(-100);
    assert.equal(await met(UNKNOWN_PORT), 'the other program’s');
    assert.equal(await met(UNALLOCATED), 'the other program’s');
  });

  it('after our translations and before our refusals (-95): what no Service has is spared', async () => {
    replaceOther(-95);
    assert.equal(await met(UNKNOWN_PORT), 'the other program’s');
    assert.equal(await met(UNALLOCATED), 'the other program’s');
    assert.equal(await met(SERVED), 'ours');
  });

  it('before ours (-110): all are spared', async () => {
    replaceOther(-110);
    assert.equal(await met(UNKNOWN_PORT), 'the other program’s');
    assert.equal(await met(UNALLOCATED), 'the other program’s');
    assert.equal(await met(SERVED), 'the other program’s');
  });

  it('after our refusals (-80), or without any: unknown ports are refused, unallocated addresses dropped', async () => {
    for (const priority of [-80, undefined]) {
      replaceOther(priority);
      assert.equal(await met(UNKNOWN_PORT), 'refused');
      assert.equal(await met(UNALLOCATED), 'timeout');
      assert.equal(await met(SERVED), 'ours');
    }
  });
});
