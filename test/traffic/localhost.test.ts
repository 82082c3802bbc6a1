import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rawNode } from '../builders/raw-objects.ts';
import { connectTcp, exchangeUdp, type Outcome, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

const FAMILIES = [
  { family: 'IPv4', loopback: '127.0.0.1', clusterIp: '10.96.0.', node: NODE.ip4, pods: ['10.32.0.21', '10.33.0.22'] },
  { family: 'IPv6', loopback: '::1', clusterIp: 'fd00:96::', node: NODE.ip6, pods: ['fd00:32::21', 'fd00:33::22'] },
] as const;

const at = (address: string) => (address.includes(':') ? `[${address}]:8080` : `${address}:8080`);

/** A Service default/NAME on node port 30000 + n, TCP and UDP, with an endpoint here and one elsewhere. */
function objects(name: string, n: number, spec: object = {}): readonly RawObject[] {
  const protocols = ['TCP', 'UDP'] as const;
  return [
    {
      kind: 'Service',
      metadata: { name },
      spec: {
        type: 'NodePort',
        clusterIPs: FAMILIES.map(({ clusterIp }) => `${clusterIp}${n}`),
        ports: protocols.map((protocol) => ({
          name: protocol.toLowerCase(),
          protocol,
          port: 80,
          nodePort: 30_000 + n,
        })),
        ...spec,
      },
    },
    ...FAMILIES.map(({ family, pods }) => ({
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: family,
      ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 8080 })),
      endpoints: pods.map((address, i) => ({
        addresses: [address],
        conditions: { ready: true },
        nodeName: i === 0 ? 'node-a' : 'node-b',
      })),
    })),
  ];
}

describe('--nodeport-addresses localhost', () => {
  let world: World;
  let daemon: Daemon;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true, icmpRateLimit: false });
    for (const [i, where] of (['pods', 'remote'] as const).entries()) {
      const addresses = FAMILIES.map(({ pods }) => pods[i] ?? '');
      const servers = onTcpAndUdp(addresses);
      running.push(await startServers(world, where, servers));
    }
    daemon = new Daemon(world);
    daemon.write([
      rawNode('node-a', ...FAMILIES.map(({ node }) => node)),
      ...objects('web', 1),
      ...objects('local', 2, { externalTrafficPolicy: 'Local' }),
      ...objects('sticky', 3, { sessionAffinity: 'ClientIP' }),
    ]);
    await daemon.start(['--hostname-override', 'node-a', '--nodeport-addresses', 'primary,localhost']);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  const endpoints = (outcomes: readonly Outcome[]) => Object.keys(tally(outcomes)).sort();

  for (const { family, loopback, pods, node } of FAMILIES) {
    const tcp = (address: string, port: number) => connectTcp(world, 'node', { address, port, count: 40 });
    const both = pods.map(at).sort();

    it(`${family}: TCP reaches every endpoint, of policy Local those of this node, with affinity one`, async () => {
      assert.deepEqual(endpoints(await tcp(loopback, 30_001)), both);
      assert.deepEqual(endpoints(await tcp(loopback, 30_002)), [at(pods[0])]);
      assert.equal(endpoints(await tcp(loopback, 30_003)).length, 1);
    });

    it(`${family}: UDP is refused and counted; on the node’s own address it is served`, async () => {
      const udp = (address: string) => exchangeUdp(world, 'node', { address, port: 30_001, count: 40 });
      assert.deepEqual(await udp(loopback).then(tally), { refused: 40 });
      assert.deepEqual(endpoints(await udp(node)), both);
      const fetch =
        'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:10249/metrics").read().decode())';
      const { stdout } = await world.exec('node', ['python3', '-c', fetch]);
      const counted = new RegExp(`nodeport_rejected_packets_total\\{ip_family="${family}",protocol="UDP"\\} 40`);
      if (family === 'IPv4') assert.match(stdout, counted);
      assert.match(stdout, new RegExp(`nodeport_listeners\\{ip_family="${family}"\\} 3`));
    });
  }

  it('an endpoint that goes leaves no listener behind', async () => {
    daemon.write([...objects('web', 1)]);
    await daemon.untilNoDump(/30002/);
    for (const { loopback } of FAMILIES) {
      assert.deepEqual(await connectTcp(world, 'node', { address: loopback, port: 30_002 }).then(tally), {
        refused: 1,
      });
      assert.equal(
        endpoints(await connectTcp(world, 'node', { address: loopback, port: 30_001, count: 40 })).length,
        2,
      );
    }
  });
});
