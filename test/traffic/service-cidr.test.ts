import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { type RawObject, serviceObjects } from './manifests.ts';

const WEB = { ip4: '10.96.0.80', ip6: 'fd00:96::80' };
/** In the ServiceCIDR, and no Service's. */
const UNALLOCATED = { ip4: '10.96.200.1', ip6: 'fd00:96::2001' };
const POD = { ip4: '10.32.0.21', ip6: 'fd00:32::21' };
const SINGLE = { ip4: '10.32.7.1', ip6: 'fd00:32::701' };

const OBJECTS = serviceObjects({
  name: 'web',
  clusterIps: WEB,
  ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
  endpoints: [POD],
});

function serviceCidr(name: string, ...cidrs: readonly string[]): RawObject {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } };
}

const KUBERNETES = serviceCidr('kubernetes', '10.96.0.0/12', 'fd00:96::/112');
const UDP_4 = { protocol: 'udp', address: UNALLOCATED.ip4, port: 80 } as const;

describe('connections to addresses of a ServiceCIDR that no Service has', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ icmpRateLimit: false });
    pod = world.addPodNamespace(SINGLE.ip4, SINGLE.ip6);
    // Behind the node's default route somebody answers, so that what is not dropped shows.
    for (const address of Object.values(UNALLOCATED))
      await world.exec('client', ['ip', 'route', 'replace', 'local', address, 'dev', 'lo', 'table', 'local']);
    const outside = Object.values(UNALLOCATED).map((address) => ({ protocol: 'tcp', address, port: 80 }) as const);
    running.push(await startServers(world, 'client', [...outside, UDP_4]));
    const pods = Object.values(POD).map((address) => ({ protocol: 'tcp', address, port: 8080 }) as const);
    running.push(await startServers(world, 'pods', pods));
    daemon = new Daemon(world);
    daemon.write(OBJECTS);
    await daemon.start();
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  const answers = async (where: Where, address: string, port: number, exchange = connectTcp) =>
    Object.keys(tally(await exchange(world, where, { address, port, count: 5, timeoutMs: 1500 })));
  /** What a pod and the node itself meet at such an address. */
  const unallocated = async () => ({
    pod: [
      ...(await answers(pod, UNALLOCATED.ip4, 80)),
      ...(await answers(pod, UNALLOCATED.ip6, 80)),
      ...(await answers(pod, UNALLOCATED.ip4, 80, exchangeUdp)),
    ],
    node: [...(await answers('node', UNALLOCATED.ip4, 80)), ...(await answers('node', UNALLOCATED.ip6, 80))],
  });
  const [open4, open6] = [`${UNALLOCATED.ip4}:80`, `[${UNALLOCATED.ip6}]:80`];
  const OPEN = { pod: [open4, open6, open4], node: [open4, open6] };

  it('go where the routes lead while there is no ServiceCIDR', async () => {
    assert.deepEqual(await unallocated(), OPEN);
  });

  it('are dropped as soon as there is one; Services and all else go on', async () => {
    daemon.write([...OBJECTS, KUBERNETES]);
    await daemon.untilDump(/10\.96\.0\.0\/12[\s\S]*fd00:96::\/112/);
    const dropped = await unallocated();
    assert.deepEqual(dropped.pod, ['timeout', 'timeout', 'timeout']);
    // A TCP socket on the node itself is told nothing, either: its SYN is dropped on the way out.
    assert.deepEqual(dropped.node, ['timeout', 'timeout']);
    for (const where of [pod, 'client', 'node'] as const) {
      assert.deepEqual(await answers(where, WEB.ip4, 80), [`${POD.ip4}:8080`]);
      assert.deepEqual(await answers(where, WEB.ip6, 80), [`[${POD.ip6}]:8080`]);
      assert.deepEqual(await answers(where, WEB.ip4, 81), ['refused'], 'a port the Service does not have');
      assert.deepEqual(await answers(where, POD.ip4, 8080), [`${POD.ip4}:8080`]);
    }
  });

  it('follow the ServiceCIDRs: one more that overlaps, a narrower one, none', async () => {
    daemon.write([...OBJECTS, KUBERNETES, serviceCidr('more', '10.96.0.0/11')]);
    await daemon.untilDump(/10\.96\.0\.0\/11/);
    assert.deepEqual(await answers(pod, UNALLOCATED.ip4, 80), ['timeout']);
    daemon.write([...OBJECTS, serviceCidr('kubernetes', '10.96.0.0/24', 'fd00:96::/112')]);
    await daemon.untilDump(/10\.96\.0\.0\/24/);
    assert.deepEqual(await answers(pod, UNALLOCATED.ip4, 80), [open4]);
    assert.deepEqual(await answers(pod, UNALLOCATED.ip6, 80), ['timeout']);
    daemon.write(OBJECTS);
    await daemon.untilDump(/^(?![\s\S]*(10\.96\.0\.0\/24|fd00:96::\/112))/);
    assert.deepEqual(await unallocated(), OPEN);
    assert.doesNotMatch(daemon.log, /^[WE]/m);
  });
});
