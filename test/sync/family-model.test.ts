import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MAX_ENDPOINTS } from '../../src/ruleset/model/slots.ts';
import { udpFrontendKey } from '../../src/service/held-udp-frontends.ts';
import { atOnce } from '../../src/service/steps.ts';
import { manyObjects } from '../builders/many-objects.ts';
import { elementsOf, modelFor, newModel } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { describeTransaction, StrictKernel } from '../builders/strict-kernel.ts';

/** Networks that do not overlap. */
const RANGES = Array.from({ length: 5000 }, (_, n) => `20.${n >> 7}.${(n & 127) * 2}.0/24`);

/** Two Services of one address. */
const OLD = service({ name: 'old', createdAt: '2026-01-01T00:00:00Z' });
const NEW = service({ name: 'new', createdAt: '2026-02-01T00:00:00Z' });

suite('the model of a family', () => {
  test('gives a large cluster in transactions of bounded size', () => {
    const sizes = modelFor(manyObjects(5000)).drain();
    assert.ok(Math.max(...sizes) < 11_000, `${sizes}`);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      5000 * 7 + 1,
      'ClusterIP, verdict and five slots of each, and one pick chain for all',
    );
  });

  test('has the slices of a Service that has not come yet, or is gone', () => {
    const { model } = modelFor([slice([ready('10.0.0.1')])]);
    assert.deepEqual(
      model.slicesOf('default/web').map(({ name }) => name),
      ['web-1'],
    );
    assert.deepEqual(model.slicesOf('default/none'), []);
  });

  test('gives a small change with the next transaction, whatever else waits, and a fifth of each to what is large', () => {
    const ports = Array.from({ length: 20 }, (_, n) => ({ name: `p${n}`, protocol: 'tcp' as const, port: 1000 + n }));
    const addresses = Array.from({ length: 4000 }, (_, n) => ready(`10.2.${n >> 8}.${n & 255}`));
    const { model, set } = modelFor([
      service({ name: 'large', clusterIps: ['10.96.1.1'], ports }),
      slice(addresses, { name: 'large', serviceName: 'large', ports: ports.map((port) => ({ ...port, port: 80 })) }),
      ...Array.from({ length: 30_000 }, (_, n) =>
        service({ namespace: 'many', name: `s${n}`, clusterIps: [`10.97.${n >> 8}.${n & 255}`] }),
      ),
    ]);
    for (let n = 0; n < 3; n++) model.nextTransaction();
    const name = 'bystander';
    let transactions = 0;
    let next = 0;
    const large: number[] = [];
    do {
      if (transactions % 3 === 0) set(service({ namespace: name, name, clusterIps: [`10.98.0.${next++}`] }));
      const { adds } = model.nextTransaction();
      assert.ok(adds.length <= 12_100, `${adds.length}`);
      assert.equal(model.isPending(`${name}/${name}`) && !model.takeProgrammed().includes(`${name}/${name}`), false);
      large.push(adds.filter(({ setOrMap }) => setOrMap.name === 'endpoints-tcp').length);
    } while (++transactions < 10);
    // It takes some transactions to work its frontends out.
    assert.ok(Math.min(...large.slice(6)) >= 1900, `${large}`);
  });

  for (const [what, web, deletes] of [
    ['endpoints', {}, 'endpoints-tcp'],
    ['source ranges', { loadBalancerIps: ['203.0.113.1'], sourceRanges: RANGES }, 'source-ranges'],
  ] as const) {
    test(`brings a frontend with very many ${what} in several transactions, its verdict last, and removes it so`, () => {
      const endpoints = Array.from({ length: 20_000 }, (_, n) => ready(`10.2.${n >> 8}.${n & 255}`));
      const { model, remove } = modelFor([service(web), slice(endpoints)]);
      let verdict = -1;
      let last = -1;
      let count = 0;
      do {
        const { adds } = model.nextTransaction();
        assert.ok(adds.length < 10_500, `${adds.length}`);
        for (const { setOrMap } of adds) {
          if (setOrMap.name === 'services') verdict = count;
          else last = count;
        }
        count++;
      } while (model.isDirty);
      assert.ok(
        count >= 5 && verdict === count - 1 && last <= verdict,
        `${count} transactions, verdict ${verdict}, last ${last}`,
      );
      remove('Service', 'default/web');
      const removed: string[][] = [];
      do removed.push(model.nextTransaction().deletes.map(({ setOrMap }) => setOrMap.name));
      while (model.isDirty);
      assert.ok(removed[0]?.includes('services'), 'the verdict goes first');
      assert.ok(removed.every((names) => names.length < 11_000));
      assert.ok(removed.filter((names) => names.includes(deletes)).length > 1, 'the rest goes in parts');
      assert.equal(model.ruleset.size, 1, 'but for a chain that stays');
    });
  }

  test('takes up the newest state of a frontend that is under way', () => {
    const endpoints = (count: number, from = 0) =>
      slice(Array.from({ length: count }, (_, n) => ready(`10.2.${(n + from) >> 8}.${(n + from) & 255}`)));
    const { model, set } = modelFor([service(), endpoints(20_000)]);
    const kernel = new StrictKernel();
    const transact = () => kernel.apply(model.nextTransaction());
    for (let n = 0; n < 4; n++) transact();
    set(endpoints(3_000, 5_000));
    transact();
    set(endpoints(15_000, 10_000));
    do transact();
    while (model.isDirty);
    const slots = [...kernel.elements].filter(([id]) => id.startsWith('endpoints-tcp'));
    const expected = endpoints(15_000, 10_000).endpoints.map(({ address }) => `${address} . 8080 # default/web:http`);
    assert.deepEqual(slots.map(([, value]) => value).sort(), expected.sort());
  });

  test('says once that two Services want the same address, and who has it', () => {
    const { model, lines, drain } = modelFor([OLD, NEW]);
    drain();
    model.markDirty('default/new');
    drain();
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /W Service default\/new also wants 10\.96\.0\.10 port 80\/tcp, which Service default\/old has \(the older one\): not/,
    );
  });

  test('is not concerned by a Service of the other family, until it has something of it to lose', () => {
    const other = service({ name: 'other', clusterIps: ['fd00::10'] });
    const { cluster, model, drain } = modelFor([other, OLD, NEW]);
    drain();
    for (const key of ['default/other', 'default/unknown']) assert.equal(model.markDirty(key), false);
    assert.equal(model.isBehind, false);
    cluster.set({ ...other, clusterIps: ['fd00::10', '10.96.0.12'] });
    assert.ok(model.markDirty('default/other'), 'it got an address of this family');
    drain();
    cluster.set(other);
    assert.ok(model.markDirty('default/other'), 'it has lost it again');
    assert.deepEqual(drain(), [1, 1], 'its verdict, then its ClusterIP');
    model.takeProgrammed();
    assert.equal(model.markDirty('default/other'), false);
    cluster.delete('Service', 'default/new');
    assert.ok(model.markDirty('default/new'), 'what it claimed and another has is not claimed any more');
    drain();
    model.takeProgrammed();
    assert.equal(model.markDirty('default/new'), false);
  });

  test('says once that a Service has more endpoints than it can use', () => {
    const endpoints = Array.from({ length: MAX_ENDPOINTS + 1 }, (_, n) =>
      ready(`10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`),
    );
    const { model, lines, drain } = modelFor([service(), slice(endpoints)]);
    for (let again = 0; again < 2; again++) {
      model.markDirty('default/web');
      drain();
    }
    assert.deepEqual(lines, ['W Service default/web:http has 65537 endpoints; only 65536 of them are used']);
  });

  test('takes in what changed of the node', () => {
    const addresses = ['192.0.2.1/32'];
    const { model, drain } = modelFor([], { networks: { 'node-port-networks': addresses } });
    drain();
    addresses[0] = '192.0.2.2/32';
    assert.equal(model.isDirty, false);
    model.nodeChanged();
    assert.equal(model.isDirty, true);
    assert.deepEqual(describeTransaction(model.nextTransaction()), [
      '- node-port-networks 192.0.2.1/32',
      '+ node-port-networks 192.0.2.2/32',
    ]);
  });

  test('knows which UDP frontends were in force, from what is found in the kernel', () => {
    const ports = [
      { name: 'dns', protocol: 'udp', port: 53, nodePort: 30053 },
      { name: 'dns-tcp', protocol: 'tcp', port: 53, nodePort: 30053 },
    ] as const;
    const port = { name: 'dns', protocol: 'udp', port: 5353 } as const;
    const { model, drain } = modelFor([
      service({ ports, externalIps: ['203.0.113.1'] }),
      slice([ready('10.0.0.1')], { ports: [port] }),
      service({ name: 'unserved', clusterIps: ['10.96.0.11'], ports, externalLocal: true }),
      service({ name: 'pinned', clusterIps: ['10.96.0.12'], ports, affinitySeconds: 60 }),
      slice([ready('10.0.0.1')], { name: 'pinned', serviceName: 'pinned', ports: [port] }),
    ]);
    drain();
    assert.deepEqual(model.takeAdopted(), []);
    const expected = [' 30053', '10.96.0.10 53', '10.96.0.11 53', '10.96.0.12 53', '203.0.113.1 53'];
    model.restart(elementsOf(model.ruleset));
    // As where the table found could not be repaired.
    model.restart([]);
    assert.deepEqual(model.takeAdopted().map(udpFrontendKey).sort(), expected);
    assert.deepEqual(model.takeAdopted(), []);
  });

  test('deletes some of what waits for that with each transaction that changes fill: a fifth of its weight', () => {
    const names = Array.from({ length: 4000 }, (_, n) => `s${n}`);
    const small = names.flatMap((name, n) => [
      service({ name, clusterIps: [`10.97.${n >> 8}.${n & 255}`] }),
      slice([ready('10.0.0.1'), ready('10.0.0.2')], { name, serviceName: name }),
    ]);
    const { model, set, remove, drain } = modelFor(small);
    drain();
    set(service(), slice(Array.from({ length: 60_000 }, (_, n) => ready(`10.2.${n >> 8}.${n & 255}`))));
    while (model.nextTransaction().adds.length === 0);
    remove('Service', ...names.map((name) => `default/${name}`));
    const ofFull: number[] = [];
    do {
      const { deletes, adds } = model.nextTransaction();
      if (adds.length >= 9_900) ofFull.push(deletes.length);
    } while (model.isBehind);
    assert.deepEqual(ofFull, [0, 2000, 2000], 'of 8000 slots');
  });

  test('counts a Service as pending from its change until it is in force, in parts or as a whole', () => {
    const { model, set, drain } = modelFor([service(), service({ name: 'other', clusterIps: ['10.96.0.11'] })]);
    drain();
    model.takeProgrammed();
    assert.equal(model.isPending('default/web'), false);
    set(service({ affinitySeconds: 60 }), slice(Array.from({ length: 15 }, (_, n) => ready(`10.0.0.${n}`))));
    set(slice([ready('10.0.1.1')], { name: 'other', serviceName: 'other' }));
    const programmed: string[] = [];
    for (let parts = 0; ; parts++) {
      assert.equal(model.isPending('default/web'), true, `after ${parts} parts`);
      atOnce(model.transactionSteps(true, 500));
      const services = model.takeProgrammed();
      programmed.push(...services);
      if (!model.isBehind) break;
      assert.equal(model.hasLarge, true);
      assert.ok(!services.includes('default/web'), `after ${parts} parts`);
    }
    assert.deepEqual(programmed, ['default/other', 'default/web']);
    assert.equal(model.hasLarge, false);
    assert.equal(model.isPending('default/web'), false);
  });

  test('leaves affinity as it is in the kernel, whatever was computed before that was known', () => {
    const endpoints = (count: number) => slice(Array.from({ length: count }, (_, n) => ready(`10.0.0.${n}`)));
    const options = { affinityLimit: 10 };
    const before = modelFor([service({ affinitySeconds: 60 }), endpoints(11)], options);
    before.drain();
    before.set(endpoints(8));
    before.drain();
    const found = elementsOf(before.model.ruleset);
    const { model } = newModel(before.cluster, options);
    atOnce(model.workOutAheadSteps());
    atOnce(model.restartSteps(found));
    assert.deepEqual(describeTransaction(model.nextTransaction()), []);
    assert.equal(model.isDirty, false);
  });

  test('gives a Service with session affinity at once where its addresses share the chains of few endpoints', () => {
    const { model, set, drain } = modelFor([service({ name: 'other', clusterIps: ['10.96.0.11'] })]);
    drain();
    const externalIps = Array.from({ length: 8 }, (_, n) => `203.0.113.${n}`);
    const endpoints = Array.from({ length: 5 }, (_, n) => ready(`10.0.0.${n}`));
    set(service({ affinitySeconds: 60, externalIps }), slice(endpoints));
    // The smallest transactions for a table in force.
    const { transaction } = atOnce(model.transactionSteps(true, 500));
    assert.equal(transaction.adds.filter(({ setOrMap }) => setOrMap.name === 'services').length, 9);
    assert.equal(model.isBehind, false);
  });
});
