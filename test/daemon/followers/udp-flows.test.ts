import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Conntrack } from '../../../src/conntrack/conntrack.ts';
import type { ConntrackPass } from '../../../src/conntrack/reconciler.ts';
import { UdpFlows } from '../../../src/daemon/followers/udp-flows.ts';
import type { Service } from '../../../src/objects/service.ts';
import { daemonModels } from '../../builders/daemon-models.ts';
import { eventually } from '../../builders/eventually.ts';
import { elementsOf } from '../../builders/models.ts';
import { node, ready, service, slice, slicePort } from '../../builders/objects.ts';
import { FakeConntrack } from '../../conntrack/fake-conntrack.ts';

const NODE = node({ addresses: ['192.0.2.1'], podCidrs: ['10.32.0.0/16'] });

function dns(changes: Partial<Service> = {}): Service {
  return service({
    ports: [{ name: 'dns', protocol: 'udp', port: 53, nodePort: 30053 }],
    externalIps: ['203.0.113.1'],
    ...changes,
  });
}

function start(fake: FakeConntrack, ...flags: readonly string[]) {
  const { cluster, models, args, log } = daemonModels({ flags, families: ['ip'] });
  const [model = assert.fail()] = models;
  const conntrack = new Conntrack(log, { command: [fake.executable] });
  const passes: ConntrackPass[] = [];
  const flows = new UdpFlows({
    cluster,
    model,
    args,
    conntrack,
    onPass: (pass) => passes.push(pass),
    readAddresses: () => ['127.0.0.1', '192.0.2.1', '198.51.100.1'],
  });
  /** Brings what has changed in force, and waits for the look at the flows that follows. */
  const inForce = async (kind: 'full' | 'partial', ...services: readonly string[]) => {
    for (const key of services) model.markDirty(key);
    while (model.isDirty) model.nextTransaction();
    const sofar = passes.length;
    flows.follow({ kind, operations: 1, services: model.takeProgrammed() });
    await eventually(
      () => passes.length > sofar,
      () => fake.calls.join(),
    );
  };
  cluster.set(NODE);
  cluster.set(slice([ready('10.33.0.1')], { ports: [slicePort({ name: 'dns', protocol: 'udp', port: 5353 })] }));
  const [key = ''] = cluster.set(dns());
  return {
    cluster,
    key,
    model,
    inForce,
    [Symbol.dispose]() {
      flows.stop();
      conntrack.stop();
    },
  };
}

const TO_POD = '10.33.0.1 5353';
const DNS_PORT = { name: 'dns', protocol: 'udp', port: 53 } as const;

suite('the UDP flows of a family', () => {
  test('that a Service gave up end, when and only when no Service has their frontend', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    await run.inForce('full', run.key);
    fake.setFlows([`10.96.0.10 53 ${TO_POD}`, `203.0.113.1 53 ${TO_POD} 192.0.2.9`, `192.0.2.1 30053 ${TO_POD}`]);
    run.cluster.set(dns({ externalIps: [], ports: [{ name: 'dns', protocol: 'udp', port: 53 }] }));
    await run.inForce('partial', run.key);
    assert.deepEqual(fake.flows, ['10.96.0.10 53 10.33.0.1']);
  });

  test('that a Service gave up while the rules were in doubt end, too', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    await run.inForce('full', run.key);
    fake.setFlows([`10.96.0.10 53 ${TO_POD}`]);
    run.cluster.delete('Service', run.key);
    run.model.restart([]);
    await run.inForce('full');
    assert.deepEqual(fake.flows, []);
  });

  test('that only the kernel knew of end with the first look', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    await run.inForce('full', run.key);
    const { model, cluster } = run;
    using restarted = start(fake);
    fake.setFlows([`10.96.0.10 53 ${TO_POD}`, `203.0.113.1 53 ${TO_POD}`, `203.0.113.9 53 ${TO_POD}`]);
    restarted.cluster.set(dns({ externalIps: [] }));
    restarted.model.restart(elementsOf(model.ruleset));
    await restarted.inForce('full', restarted.key);
    assert.deepEqual(fake.flows, ['10.96.0.10 53 10.33.0.1', '203.0.113.9 53 10.33.0.1']);
    assert.equal(cluster.service(run.key)?.externalIps.length, 1);
  });

  test('of many Services that change at once end, and what comes meanwhile waits its turn', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    const address = (i: number) => `10.97.${i >> 8}.${i & 255}`;
    const many = Array.from({ length: 600 }, (_, i) =>
      dns({ name: `dns-${i}`, clusterIps: [address(i)], externalIps: [], ports: [DNS_PORT] }),
    );
    const keys = many.flatMap((one) => run.cluster.set(one));
    // Not even the look at all flows that follows a full sync is over yet when these come.
    const whole = run.inForce('full', run.key, ...keys);
    const moved = run.cluster.set(
      dns({ name: 'dns-599', clusterIps: ['10.98.0.1'], externalIps: [], ports: [DNS_PORT] }),
    );
    fake.setFlows([`${address(599)} 53 ${TO_POD}`]);
    await Promise.all([whole, run.inForce('partial', ...moved)]);
    await eventually(
      () => fake.flows.length === 0,
      () => fake.calls.join(),
    );
    const all = keys.flatMap((key) => run.cluster.delete('Service', key));
    fake.setFlows([0, 300, 598].map((i) => `${address(i)} 53 ${TO_POD}`));
    await run.inForce('partial', ...all);
    assert.deepEqual(fake.flows, []);
  });

  test('to node ports are those to the addresses that serve them', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, '--nodeport-addresses', 'primary');
    const stale = ['192.0.2.1', '198.51.100.1', '127.0.0.1', '203.0.113.77'].map((to) => `${to} 30053 10.33.0.7`);
    await run.inForce('full', run.key);
    fake.setFlows(stale);
    await run.inForce('partial', run.key);
    assert.deepEqual(fake.flows, stale.slice(1));
    run.cluster.set({ ...NODE, addresses: ['198.51.100.1'] });
    await run.inForce('partial', run.key);
    assert.deepEqual(fake.flows, stale.slice(2));
  });

  const sources = ['192.0.2.1', '198.51.100.1', '127.0.0.1', '10.32.0.9', '10.33.0.9', '203.0.113.77'];
  for (const [flags, kept] of [
    [['--cluster-cidr', '10.32.0.0/15'], 5],
    [['--detect-local-mode', 'NodeCIDR'], 4],
    [[], 3],
    [['--detect-local-mode', 'BridgeInterface', '--pod-bridge-interface', 'cni0'], 6],
  ] as const) {
    test(`of policy Local without endpoints here: clients on this node, with ${flags.join(' ') || 'no pod network'}`, async () => {
      using fake = new FakeConntrack();
      using run = start(fake, ...flags);
      await run.inForce('full', run.key);
      const flows = sources.map((source) => `203.0.113.1 53 ${TO_POD} ${source}`);
      fake.setFlows(flows);
      run.cluster.set(dns({ externalLocal: true }));
      await run.inForce('partial', run.key);
      const left = fake.flows.map((flow) => flow.split(' ')[4] ?? '198.51.100.1');
      assert.deepEqual(left, sources.slice(0, kept));
    });
  }
});
