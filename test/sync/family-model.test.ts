import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { buildProgram } from '../../src/ruleset/program.ts';
import { MAX_ENDPOINTS } from '../../src/ruleset/slots.ts';
import { sizeOf } from '../../src/ruleset/transaction.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { udpFrontendKey } from '../../src/service/held-udp-frontends.ts';
import { FamilyModel } from '../../src/sync/family-model.ts';
import { Shortfalls } from '../../src/sync/shortfalls.ts';
import { networks } from '../builders/networks.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';

function modelOf(cluster: Cluster, addresses: readonly string[] = [], serviceBudget?: number) {
  const { log, lines } = recordingLog();
  const shortfalls = new Shortfalls({ log });
  const settings = {
    program: buildProgram('ip', {}),
    networks: () => networks([], addresses),
    shortfalls,
    ...(serviceBudget !== undefined && { serviceBudget }),
  };
  const model = new FamilyModel(cluster, settings, log);
  model.restart([]);
  const drain = () => {
    const sizes: number[] = [];
    do sizes.push(sizeOf(model.nextTransaction()));
    while (model.isDirty);
    return sizes;
  };
  return { model, lines, shortfalls, drain };
}

suite('the model of a family', () => {
  test('gives a large cluster in transactions of bounded size', () => {
    const cluster = new Cluster(NODE_NAME);
    for (let n = 0; n < 5000; n++) {
      const name = `s${n}`;
      cluster.set(service({ name, clusterIps: [`10.96.${n >> 8}.${n & 255}`] }));
      const endpoints = [0, 1, 2, 3, 4].map((i) => ready(`10.${128 + i}.${n >> 8}.${n & 255}`));
      cluster.set(slice(endpoints, { name, serviceName: name }));
    }
    const sizes = modelOf(cluster).drain();
    assert.ok(Math.max(...sizes) < 11_000, `${sizes}`);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      5000 * 7 + 1,
      'ClusterIP, verdict and five slots of each, and one pick chain for all',
    );
  });

  test('says once that two Services want the same address, and who has it', () => {
    const cluster = new Cluster(NODE_NAME);
    cluster.set(service({ name: 'old', createdAt: '2026-01-01T00:00:00Z' }));
    cluster.set(service({ name: 'new', createdAt: '2026-02-01T00:00:00Z' }));
    const { model, lines, drain } = modelOf(cluster);
    drain();
    model.markDirty('default/new');
    drain();
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /W Service default\/new also wants 10\.96\.0\.10 port 80\/tcp, which Service default\/old has \(the older one\): not/,
    );
  });

  test('says that a Service has more endpoints than it can use', () => {
    const cluster = new Cluster(NODE_NAME);
    cluster.set(service());
    const addresses = Array.from(
      { length: MAX_ENDPOINTS + 1 },
      (_, n) => `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
    );
    cluster.set(slice(addresses.map((address) => ready(address))));
    const { lines, drain } = modelOf(cluster);
    drain();
    assert.match(lines.join('\n'), /W Service default\/web:http has 65537 endpoints; 65536 of them are used/);
  });

  test('cuts a Service to its budget, says so, and takes away what goes', () => {
    const cluster = new Cluster(NODE_NAME);
    const ports = Array.from({ length: 50 }, (_, i) => ({ name: `p${i}`, protocol: 'tcp' as const, port: 80 + i }));
    const addresses = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`);
    const set = (left: readonly string[]) => {
      cluster.set(service({ ports }));
      cluster.set(
        slice(
          left.map((address) => ready(address)),
          { ports: ports.map((port) => ({ ...port, port: 8080 })) },
        ),
      );
    };
    set(addresses);
    const { model, shortfalls, drain } = modelOf(cluster, [], 1000);
    drain();
    assert.ok(model.ruleset.size <= 1000, `${model.ruleset.size}`);
    assert.deepEqual(
      [...shortfalls.all()].map(({ key, reason, message }) => [key, reason, message]),
      [
        [
          'default/web',
          'service-budget',
          'its ports, addresses and endpoints ask for more than the 1000 elements that one Service may have: each port ' +
            'uses 14 of its endpoints at most. Split it, or raise --max-elements-per-service',
        ],
      ],
    );
    const used = () =>
      new Set(
        [...model.frontendsOf('default/web')].flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
      );
    const [gone = ''] = used();
    set(addresses.filter((address) => address !== gone));
    model.markDirty('default/web');
    drain();
    assert.ok(!used().has(gone));
    const map = model.program.containers.find(({ name }) => name === 'endpoints-tcp');
    assert.ok(map);
    assert.ok([...model.ruleset.elementsOf(map)].every(({ value }) => !value.startsWith(`${gone} `)));
    set(addresses.slice(0, 10));
    model.markDirty('default/web');
    drain();
    assert.deepEqual([...shortfalls.all()], []);
    assert.equal(used().size, 10);
  });

  test('takes in what changed of the node', () => {
    const cluster = new Cluster(NODE_NAME);
    const addresses = ['192.0.2.1/32'];
    const { model, drain } = modelOf(cluster, addresses);
    drain();
    addresses[0] = '192.0.2.2/32';
    assert.equal(model.isDirty, false);
    model.nodeChanged();
    assert.equal(model.isDirty, true);
    const { deletes, adds } = model.nextTransaction();
    assert.deepEqual([deletes.map(({ key }) => key), adds.map(({ key }) => key)], [['192.0.2.1/32'], ['192.0.2.2/32']]);
  });

  test('knows which UDP frontends were in force, from what is found in the kernel', () => {
    const cluster = new Cluster(NODE_NAME);
    const ports = [
      { name: 'dns', protocol: 'udp', port: 53, nodePort: 30053 },
      { name: 'dns-tcp', protocol: 'tcp', port: 53, nodePort: 30053 },
    ] as const;
    const port = { name: 'dns', protocol: 'udp', port: 5353 } as const;
    cluster.set(service({ ports, externalIps: ['203.0.113.1'] }));
    cluster.set(slice([ready('10.0.0.1')], { ports: [port] }));
    cluster.set(service({ name: 'unserved', clusterIps: ['10.96.0.11'], ports, externalLocal: true }));
    cluster.set(service({ name: 'pinned', clusterIps: ['10.96.0.12'], ports, affinitySeconds: 60 }));
    cluster.set(slice([ready('10.0.0.1')], { name: 'pinned', serviceName: 'pinned', ports: [port] }));
    const { model, drain } = modelOf(cluster);
    drain();
    assert.deepEqual(model.takeAdopted(), []);
    const found = model.program.containers.flatMap((container) => [...model.ruleset.elementsOf(container)]);
    const expected = [' 30053', '10.96.0.10 53', '10.96.0.11 53', '10.96.0.12 53', '203.0.113.1 53'];
    model.restart(found);
    // As where the table found could not be mended.
    model.restart([]);
    assert.deepEqual(model.takeAdopted().map(udpFrontendKey).sort(), expected);
    assert.deepEqual(model.takeAdopted(), []);
  });
});
