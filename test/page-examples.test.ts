import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { renderServices } from '../src/daemon/answers/services-answer.ts';
import { frontendSteps } from '../src/service/frontend.ts';
import { DEFAULT_SERVICE_BUDGET } from '../src/service/service-budget.ts';
import { SLOW_START_STEPS } from '../src/service/slow-start.ts';
import { atOnce } from '../src/service/steps.ts';
import type { SlowStarts } from '../src/service/weights.ts';
import { endpointRows, endpointTable } from '../src/status/endpoint-rows.ts';
import type { ServiceRow } from '../src/status/service-rows.ts';
import { commandOf, exampleOf, PAGE, sectionOf, unread } from './builders/beyond-page.ts';
import { eventually } from './builders/eventually.ts';
import { HERE, HTTP, ready, service, slice } from './builders/objects.ts';
import { rawSlice } from './builders/raw-objects.ts';
import { smallCluster } from './cli/trace/small-cluster.ts';
import { exchangeUdp, tally } from './netns/clients.ts';
import { startHelper } from './netns/helper-program.ts';
import { onTcpAndUdp, startServers } from './netns/servers.ts';
import { createWorld } from './netns/world.ts';
import { Daemon } from './traffic/daemon.ts';

/** What an API server adds to a Service without an address, and a cloud provider to one of type LoadBalancer. */
const ADDRESSES = { clusterIP: '10.96.0.80', clusterIPs: ['10.96.0.80', 'fd00:96::80'] };
const AT_WEB = '10.96.0.80:80/tcp';
const LOAD_BALANCER = '203.0.113.80';

const nodeObject = (name: string, zone?: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
  status: { addresses: ['192.0.2.1', '2001:db8::1'].map((address) => ({ type: 'InternalIP', address })) },
});

/** The example of a section as an API server has it. */
const servedExample = (title: string): readonly object[] =>
  exampleOf(title).map((object) =>
    object.kind === 'Service' ? { ...object, spec: { ...ADDRESSES, ...object.spec } } : object,
  );

type Small = ReturnType<typeof smallCluster>;

/** Which endpoints a new connection from there reaches, and how likely each is; or its fate. */
async function sharesOf({ trace }: Small, to = AT_WEB, from = '10.32.0.99') {
  const { connections } = await trace(to, from);
  const [connection] = connections;
  assert.ok(connection !== undefined && connections.length === 1, to);
  if (connection.fate !== 'served') return { [connection.fate]: 1 };
  return Object.fromEntries(
    connection.outcomes.map((one) => [one.fate === 'translated' ? one.endpoint : one.fate, one.probability]),
  );
}

/** Shares are of a draw among some thousand slots. */
const isNear = (share: number | undefined, wanted: number) => Math.abs((share ?? 0) - wanted) < 0.001;

const rowsOf = ({ known, args }: Small): readonly ServiceRow[] =>
  JSON.parse(renderServices(known, new URLSearchParams(), args)).rows;

suite('the examples of beyond-kube-proxy.md', () => {
  test('Source ranges for node ports: they hold for clients of the node port in both families', async () => {
    const [web, ...none] = servedExample('Source ranges for node ports');
    assert.deepEqual(none, []);
    const status = { loadBalancer: { ingress: [{ ip: LOAD_BALANCER }] } };
    const six = { metadata: { name: 'web-6', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv6' };
    const slices = [rawSlice('web', ['10.32.0.21']), rawSlice('web', ['fd00:32::21'], six)];
    const cluster = smallCluster([], [nodeObject('here'), { ...web, status }, ...slices]);
    for (const [from, to, fate] of [
      ['192.0.2.7', ':30080', 'served'],
      ['2001:db8:2::7', ':30080', 'served'],
      ['192.0.2.7', `${LOAD_BALANCER}:80`, 'served'],
      ['198.51.100.7', ':30080', 'dropped'],
      ['2001:db8:3::7', ':30080', 'dropped'],
      ['198.51.100.7', `${LOAD_BALANCER}:80`, 'dropped'],
    ] as const) {
      const fates = (await cluster.trace(to, from)).connections.map((one) => one.fate);
      assert.deepEqual([...new Set(fates)], [fate], `${from} to ${to}`);
    }
    assert.ok(sectionOf('Source ranges for node ports').includes('`kube-proxy-nft trace :30080 --from 198.51.100.7`'));
    const [dropped] = (await cluster.trace(':30080', '198.51.100.7')).connections;
    assert.match(dropped?.text ?? '', /198\.51\.100\.7 is not in its source range/);
  });

  test('Consistent hashing: a client reaches the same Pod through every node', async () => {
    const [cache] = servedExample('Consistent hashing');
    const pods = ['10.32.0.21', '10.32.0.22', '10.32.0.23', '10.33.0.21'];
    const nodes = (['here', 'other'] as const).map((name) => {
      // The other node learns of the Pods in another order.
      const [first = '', ...later] = name === 'here' ? pods : pods.toReversed();
      const flags = ['--hostname-override', name];
      const cluster = smallCluster(flags, [nodeObject(name), cache ?? {}, rawSlice('cache', [first])]);
      for (let n = 1; n <= later.length; n++) cluster.add(rawSlice('cache', [first, ...later.slice(0, n)]));
      return cluster;
    });
    const met = new Set<string>();
    for (let n = 1; n <= 32; n++) {
      const [mine, theirs] = await Promise.all(
        nodes.map((one) => sharesOf(one, '10.96.0.80:6379/tcp', `10.33.0.${100 + n}`)),
      );
      assert.deepEqual(mine, theirs);
      const [[pod = '', share] = []] = Object.entries(mine ?? {});
      assert.equal(share, 1, 'exactly one Pod');
      met.add(pod);
    }
    assert.equal(met.size, pods.length, 'clients are spread');
  });

  test('Weights: one connection in ten goes to the canary, with three endpoints in web-stable one in 28', async () => {
    const objects = servedExample('Weights');
    const cluster = smallCluster([], [nodeObject('here'), ...objects]);
    const both = await sharesOf(cluster);
    assert.deepEqual(Object.keys(both), ['10.32.0.21:8080', '10.32.0.22:8080']);
    assert.ok(isNear(both['10.32.0.22:8080'], 1 / 10), JSON.stringify(both));
    const stable = objects.find((object) => JSON.stringify(object).includes('"web-stable"')) ?? assert.fail();
    const three = ['10.32.0.21', '10.32.0.23', '10.32.0.24'].map((address) => ({ addresses: [address] }));
    cluster.add({ ...stable, endpoints: three });
    const { '10.32.0.22:8080': canary = 0, ...others } = await sharesOf(cluster);
    assert.ok(isNear(canary, 1 / 28), `${canary}`);
    assert.equal(Object.keys(others).length, 3);
  });

  test('Slow start: a new Pod begins with an eighth, gets another one with each step, and has its share after 30 s', async () => {
    const [web] = servedExample('Slow start');
    const ports = [{ name: 'http', port: 8080 }];
    const cluster = smallCluster([], [nodeObject('here'), web ?? {}, rawSlice('web', ['10.32.0.21'], { ports })]);
    cluster.add(rawSlice('web', ['10.32.0.21', '10.32.0.22'], { ports }));
    const eighths = new Set<number>();
    for (let seconds = 0; seconds <= 30; seconds += 0.5) {
      cluster.advance(1000 * seconds);
      const { '10.32.0.21:8080': before = 0, '10.32.0.22:8080': added = 0 } = await sharesOf(cluster);
      eighths.add(Math.round((8 * added) / before));
      if (seconds === 0) assert.match(endpointTable(endpointRows(rowsOf(cluster)), true), /slow start 1\/8/);
    }
    assert.deepEqual([...eighths], [1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('Slow start: what it is of the budgets, at most', () => {
    const frontends = [
      service(),
      service({
        ...{ type: 'LoadBalancer', loadBalancerIps: ['192.0.2.1'] },
        ports: [{ ...HTTP, nodePort: 30_080 }],
      }),
    ];
    const rows = [2, 10, 100, 1000, 5000].map((count) => {
      const addresses = Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
      const slices = [slice(addresses.map((address) => ready(address)))];
      const cells = frontends.flatMap((one) => {
        const elements = (starts: SlowStarts) =>
          atOnce(frontendSteps(one, slices, 'ip', HERE, DEFAULT_SERVICE_BUDGET, starts)).elements;
        const [first = ''] = addresses;
        const steps = Array.from({ length: SLOW_START_STEPS - 1 }, (_, i) => elements(new Map([[first, i + 1]])));
        return [elements(new Map()), Math.max(...steps)];
      });
      return `| ${[count, ...cells].map((number) => number.toLocaleString('en')).join(' | ')} |`;
    });
    assert.ok(PAGE.includes(`\n${rows.join('\n')}\n`), rows.join('\n'));
  });

  test('Endpoints on nodes that are not Ready: only the other one is used, and get endpoints says so', async () => {
    const title = 'Endpoints on nodes that are not Ready';
    const objects = [nodeObject('one'), ...servedExample(title)];
    const [command, ...output] = commandOf(title);
    assert.equal(command, '$ kube-proxy-nft get endpoints');
    const flags = ['--hostname-override', 'one'];
    const cluster = smallCluster([...flags, '--skip-unreachable-nodes'], objects);
    assert.deepEqual(
      endpointTable(endpointRows(rowsOf(cluster)), false)
        .trimEnd()
        .split('\n'),
      output,
    );
    assert.deepEqual(await sharesOf(cluster, '10.96.0.11:80/tcp'), { '10.0.1.1:8080': 1 });
    const without = smallCluster(flags, objects);
    assert.deepEqual(await sharesOf(without, '10.96.0.11:80/tcp'), { '10.0.1.1:8080': 0.5, '10.0.1.2:8080': 0.5 });
  });

  test('Near first, then spill over: each row of the table', async () => {
    const title = 'Near first, then spill over';
    const [web] = servedExample(title);
    const rows = [...sectionOf(title).matchAll(/^\| (\d+), (\d+) \| (.*) \|$/gm)];
    assert.deepEqual(
      rows.map(([, near, far]) => `${near},${far}`),
      ['5,5', '3,7', '2,8', '1,9', '0,10'],
    );
    for (const [, near, far, text = ''] of rows) {
      const endpoints = [near, far].flatMap((count, zone) =>
        Array.from({ length: Number(count) }, (_, i) => ({
          addresses: [`10.${32 + zone}.0.${i + 1}`],
          zone: zone === 0 ? 'a' : 'b',
        })),
      );
      const cluster = smallCluster([], [nodeObject('here', 'a'), web ?? {}, rawSlice('web', [], { endpoints })]);
      const used = Object.keys(await sharesOf(cluster));
      const [ofZone, others] = ['10.32.', '10.33.'].map((zone) => used.filter((one) => one.startsWith(zone)).length);
      const own = ofZone === 0 ? '' : `the ${ofZone}`;
      const told = ofZone === 0 ? `all ${others}` : others === 0 ? own : `${own}, and ${others} of the ${far}`;
      assert.equal(told, text);
    }
  });

  test('resets and limits: what clients see', async (t) => {
    const world = createWorld({ icmpRateLimit: false });
    const daemon = new Daemon(world);
    const pods = ['10.32.0.21', '10.32.0.22'];
    const servers = await startServers(world, 'pods', onTcpAndUdp(pods));
    t.after(async () => {
      await servers.stop();
      daemon[Symbol.dispose]();
      world.remove();
    });
    world.nodeShell('echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose');
    const [db] = exampleOf('TCP that ends when its pod is gone');
    const [web] = exampleOf('Limits for a Service');
    assert.ok(db?.metadata.name === 'db' && web?.metadata.name === 'web');
    const spec = { clusterIP: '10.96.0.80', clusterIPs: ['10.96.0.80'] };
    const services = [
      { ...db, spec: { ...db.spec, ...spec } },
      // The same annotations, over UDP: its flows need no process each to stay open.
      { ...web, spec: { clusterIP: '10.96.0.81', clusterIPs: ['10.96.0.81'], ports: [{ port: 80, protocol: 'UDP' }] } },
      rawSlice('web', pods.slice(0, 1), { ports: [{ port: 8080, protocol: 'UDP' }] }),
    ];
    daemon.write([...services, rawSlice('db', pods.slice(0, 1))]);
    await daemon.start();

    let end = '';
    const onLine = (line: string) => {
      if (line.startsWith('!')) end = line;
    };
    // It only reads, and the kernel probes each second.
    const client = await startHelper(world, 'client', 'open_connection', ['10.96.0.80', 5432, 1], { onLine });
    daemon.write([...services, rawSlice('db', pods.slice(1))]);

    // Meanwhile: one client opens more at once than 100.
    const many = { address: '10.96.0.81', port: 80, source: '198.18.0.1', count: 400, concurrency: 400 };
    const { refused = 0, '10.32.0.21:8080': served = 0, ...rest } = tally(await exchangeUdp(world, 'client', many));
    assert.deepEqual(rest, {});
    assert.ok(served >= 100 && refused > 0, `${served} served, ${refused} refused`);
    // Others come, each with few connections, until 500 are open at the endpoint.
    const others = { ...many, source: '198.18.0.2', sources: 7, count: 560 - served, concurrency: 64 };
    assert.deepEqual(tally(await exchangeUdp(world, 'client', others)), {
      '10.32.0.21:8080': 500 - served,
      refused: 60,
    });

    await eventually(
      () => end !== '',
      () => daemon.log,
    );
    assert.equal(end, '! reset');
    await client.stop();
  });

  test('each of them is run by a test here', () => {
    assert.deepEqual([...unread], []);
  });
});
