import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { ConntrackReconciler } from '../../src/conntrack/reconciler.ts';
import type { EndpointSlice, SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { frontendsOf } from '../../src/service/frontend.ts';
import { udpFrontendsOf } from '../../src/service/udp-frontends.ts';
import { eventually } from '../builders/eventually.ts';
import { clusterWith, podNetwork } from '../builders/models.ts';
import { ready, service, servingTerminating, slice, slicePort } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { inNamespace } from '../netns/namespaces.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';

const CLIENTS = { here: () => undefined, node: () => [], nodePorts: undefined };

const NODE_PORT = 30053;
const FLOWS = 40;

const FAMILIES = [
  {
    family: 'ip',
    pair: 'ip4',
    proto: 'ipv4',
    vip: '10.96.0.10',
    pods: ['10.32.0.21', '10.32.0.22'],
    stranger: '10.32.0.99',
    everywhere: '0.0.0.0/0',
    endpoint: (pod: string, port = 8080) => `${pod}:${port}`,
  },
  {
    family: 'ip6',
    pair: 'ip6',
    proto: 'ipv6',
    vip: 'fd00:96::10',
    pods: ['fd00:32::21', 'fd00:32::22'],
    stranger: 'fd00:32::99',
    everywhere: '::/0',
    endpoint: (pod: string, port = 8080) => `[${pod}]:${port}`,
  },
] as const;

for (const { family, pair, proto, vip, pods, stranger, everywhere, endpoint } of FAMILIES) {
  const [gone, staying] = pods;

  describe(`${family} flows to Services, when endpoints change`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'kpn-conntrack-'));
    const cluster = clusterWith();
    let world: World;
    let servers: RunningHelper;
    let proxy: ReturnType<typeof startSyncer>;
    let conntrack: Conntrack;
    let reconciler: ConntrackReconciler;
    let passes = 0;

    before(async () => {
      // Nothing here is to go by itself.
      world = createWorld({ udpTimeoutSeconds: { unreplied: 600, replied: 600 }, icmpRateLimit: false });
      servers = await startServers(
        world,
        'pods',
        pods.flatMap((address) => [
          { protocol: 'tcp', address, port: 8080 },
          { protocol: 'udp', address, port: 8080 },
          { protocol: 'udp', address, port: 9090 },
        ]),
      );
      const nft = nftIn(world.namespace('node'), directory, family);
      proxy = startSyncer(nft, cluster, { family, model: podNetwork([CLUSTER_CIDR[pair]], [everywhere]) });
      await proxy.syncer.whenInSync();
      conntrack = new Conntrack(proxy.log, { command: inNamespace(world.namespace('node'), ['conntrack']) });
      reconciler = new ConntrackReconciler({
        family,
        conntrack,
        allFrontends: () => udpFrontends([...cluster.serviceKeys()]),
        servesNodePorts: (address) => address === NODE[pair],
        onPass: () => {
          passes++;
        },
      });
    });

    after(async () => {
      reconciler.stop();
      conntrack.stop();
      await proxy.stop();
      await servers.stop();
      world.remove();
      rmSync(directory, { recursive: true });
      assert.deepEqual(proxy.complaints(), []);
    });

    function udpFrontends(keys: readonly string[]) {
      return keys.flatMap((key) => {
        const of = cluster.service(key);
        const slices = cluster.slicesOf(key);
        return of === undefined ? [] : udpFrontendsOf(of, slices, frontendsOf(of, slices, family, cluster), CLIENTS);
      });
    }

    /** Brings an object into force, without looking at the flows. */
    async function program(...objects: readonly (Service | EndpointSlice)[]): Promise<readonly string[]> {
      const keys = objects.flatMap((object) => cluster.set(object));
      proxy.syncer.changed(keys);
      await proxy.syncer.whenInSync();
      return keys;
    }

    async function reconcile(request: () => void): Promise<void> {
      const before = passes;
      request();
      await eventually(
        () => passes > before,
        () => proxy.lines.join('\n'),
      );
    }

    async function apply(...objects: readonly (Service | EndpointSlice)[]): Promise<void> {
      const keys = await program(...objects);
      await reconcile(() => reconciler.request(udpFrontends(keys)));
    }

    function dns(changes: Partial<Service> = {}): Service {
      const ports = [
        { name: 'dns', protocol: 'udp', port: 53, nodePort: NODE_PORT },
        { name: 'dns-tcp', protocol: 'tcp', port: 53 },
      ] as const;
      return service({ clusterIps: [vip], ports, ...changes });
    }

    function dnsSlice(endpoints: readonly SliceEndpoint[], port = 8080): EndpointSlice {
      return slice(endpoints, {
        ports: [slicePort({ name: 'dns', protocol: 'udp', port }), slicePort({ name: 'dns-tcp', protocol: 'tcp' })],
      });
    }

    /** The flows to an address: source port → who answers. */
    function flowsTo(address: string, port: number, protocol = 'udp'): Map<number, string> {
      const listing = world.execSync('node', ['conntrack', '-L', '-f', proto, '-p', protocol, '-d', address]).stdout;
      const found = listing.matchAll(/ sport=(\d+) dport=(\d+) .*?src=(\S+)/g);
      return new Map([...found].filter(([, , dport]) => Number(dport) === port).map((m) => [Number(m[1]), m[3] ?? '']));
    }

    const send = async (address: string, port: number, sourcePort: number) =>
      tally(await exchangeUdp(world, 'client', { address, port, sourcePort, timeoutMs: 500 }));

    /** Makes flows to both pods, and one source port for either. */
    async function sendToBoth(address: string, port: number) {
      await apply(dns(), dnsSlice(pods.map((pod) => ready(pod))));
      await exchangeUdp(world, 'client', { address, port, count: FLOWS });
      const flows = flowsTo(address, port);
      const sourcePortFor = (pod: string) => [...flows].find(([, answers]) => answers === pod)?.[0] ?? 0;
      const toGone = sourcePortFor(gone);
      const toStaying = sourcePortFor(staying);
      assert.ok(toGone > 0 && toStaying > 0, [...flows.values()].join());
      return { flows, toGone, toStaying };
    }

    it('UDP: those of an endpoint that goes move to another at once, all others stay', async () => {
      const { flows, toGone } = await sendToBoth(vip, 53);
      const keys = await program(dnsSlice([ready(staying)]));
      assert.deepEqual(await send(vip, 53, toGone), { [endpoint(gone)]: 1 }, 'stale without a pass');
      await reconcile(() => reconciler.request(udpFrontends(keys)));
      const kept = [...flows].filter(([, answers]) => answers === staying);
      assert.deepEqual([...flowsTo(vip, 53)].sort(), kept.sort());
      assert.deepEqual(await send(vip, 53, toGone), { [endpoint(staying)]: 1 });
    });

    for (const [what, address, port] of [
      ['ClusterIP', vip, 53],
      ['node port', NODE[pair], NODE_PORT],
    ] as const) {
      it(`UDP: those of a ${what} move with the port of a pod that stays`, async () => {
        const { toGone, toStaying } = await sendToBoth(address, port);
        await apply(dnsSlice([ready(staying)], 9090));
        for (const sourcePort of [toGone, toStaying]) {
          assert.deepEqual(await send(address, port, sourcePort), { [endpoint(staying, 9090)]: 1 });
        }
      });
    }

    it('TCP: connections of an endpoint that goes stay', async () => {
      await apply(dns(), dnsSlice(pods.map((pod) => ready(pod))));
      await connectTcp(world, 'client', { address: vip, port: 53, count: FLOWS });
      const flows = [...flowsTo(vip, 53, 'tcp')].sort();
      assert.ok(flows.filter(([, answers]) => answers === gone).length > 0);
      await apply(dnsSlice([]));
      assert.deepEqual([...flowsTo(vip, 53, 'tcp')].sort(), flows);
    });

    it('UDP: those of an endpoint that serves while it terminates stay', async () => {
      const { flows, toGone } = await sendToBoth(vip, 53);
      await apply(dnsSlice([servingTerminating(gone), ready(staying)]));
      assert.deepEqual([...flowsTo(vip, 53)].sort(), [...flows].sort());
      assert.deepEqual(await send(vip, 53, toGone), { [endpoint(gone)]: 1 });
    });

    it('UDP: all go with the last endpoint, and clients are refused', async () => {
      const { toGone, toStaying } = await sendToBoth(vip, 53);
      await apply(dnsSlice([]));
      assert.deepEqual(flowsTo(vip, 53), new Map());
      for (const sourcePort of [toGone, toStaying]) assert.deepEqual(await send(vip, 53, sourcePort), { refused: 1 });
    });

    it('UDP: those of clients that sent before there was the Service reach it', async () => {
      const late = family === 'ip' ? '10.96.0.11' : 'fd00:96::11';
      assert.deepEqual(await send(late, 53, 7000), { timeout: 1 });
      assert.deepEqual(flowsTo(late, 53), new Map([[7000, late]]));
      const keys = await program(
        dns({ name: 'late', clusterIps: [late], ports: [{ name: 'dns', protocol: 'udp', port: 53 }] }),
        { ...dnsSlice([ready(staying)]), name: 'late-1', serviceName: 'late' },
      );
      assert.notDeepEqual(await send(late, 53, 7000), { [endpoint(staying)]: 1 }, 'lost without a pass');
      await reconcile(() => reconciler.request(udpFrontends(keys)));
      assert.deepEqual(await send(late, 53, 7000), { [endpoint(staying)]: 1 });
    });

    it('UDP: those of a node port go, those to the same port of another host stay', async () => {
      const { toGone, toStaying } = await sendToBoth(NODE[pair], NODE_PORT);
      assert.deepEqual(await send(stranger, NODE_PORT, 7001), { refused: 1 });
      const ofStranger = new Map([[7001, stranger]]);
      assert.deepEqual(flowsTo(stranger, NODE_PORT), ofStranger);
      await apply(dnsSlice([ready(staying)]));
      assert.deepEqual(new Set(flowsTo(NODE[pair], NODE_PORT).values()), new Set([staying]));
      assert.deepEqual(flowsTo(stranger, NODE_PORT), ofStranger);
      for (const sourcePort of [toGone, toStaying]) {
        assert.deepEqual(await send(NODE[pair], NODE_PORT, sourcePort), { [endpoint(staying)]: 1 });
      }
    });

    it('UDP: those that went stale while nobody looked go with a look at all', async () => {
      const { toGone } = await sendToBoth(vip, 53);
      await program(dnsSlice([ready(staying)]));
      await reconcile(() => reconciler.requestAll());
      assert.deepEqual(await send(vip, 53, toGone), { [endpoint(staying)]: 1 });
    });
  });
}
