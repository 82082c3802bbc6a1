import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { picksByClient } from '../../src/ruleset/affinity-by-hash.ts';
import type { Element } from '../../src/ruleset/element.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { atOnce } from '../../src/service/steps.ts';
import { TotalBudget } from '../../src/service/total-budget.ts';
import type { FamilyModel } from '../../src/sync/family-model.ts';
import { modelOf, PROGRAM } from '../builders/models.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';

/** Services s00, s01, … of that age, with 10 endpoints each: 12 elements. */
function clusterOf(count: number): Cluster {
  const cluster = new Cluster(NODE_NAME);
  for (let n = count - 1; n >= 0; n--) addTo(cluster, n, 10);
  return cluster;
}

function addTo(cluster: Cluster, n: number, endpoints: number): string {
  const name = `s${String(n).padStart(2, '0')}`;
  const addresses = Array.from({ length: endpoints }, (_, i) => ready(`10.1.${n}.${i}`));
  cluster.set(
    service({ name, clusterIps: [`10.96.0.${n}`], createdAt: `2026-01-01T00:00:${String(n).padStart(2, '0')}Z` }),
  );
  cluster.set(slice(addresses, { name, serviceName: name }));
  return `default/${name}`;
}

/** The elements of a model as a listing of the kernel has them. */
function foundIn({ ruleset }: FamilyModel): readonly Element[] {
  const elements = PROGRAM.containers.flatMap((container) => [...ruleset.elementsOf(container)]);
  return elements.map(({ container, key, value, comment }) => ({ container, key, value, comment }));
}

function served(model: FamilyModel, cluster: Cluster): Record<string, number> {
  const keys = [...cluster.serviceKeys()].toSorted();
  return Object.fromEntries(
    keys.map((key) => [
      key.slice(-3),
      model.frontendsOf(key).reduce((sum, { endpoints }) => sum + endpoints.length, 0),
    ]),
  );
}

suite('the model of a family, within its budgets', () => {
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
    const { model, shortfalls, drain } = modelOf(cluster, { serviceBudget: 1000 });
    drain();
    assert.ok(model.ruleset.size <= 1000, `${model.ruleset.size}`);
    assert.deepEqual(
      [...shortfalls.all()].map(({ key, reason, message }) => [key, reason, message]),
      [
        [
          'default/web',
          'service-budget',
          'its ports, addresses and endpoints ask for more than the 1000 elements that one Service may have: each port ' +
            'uses 18 of its endpoints at most. Split it, or raise --max-elements-per-service',
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

  test('serves the oldest Services where not all fit, in whatever order they come, and again when there is room', () => {
    const cluster = clusterOf(6);
    const { model, shortfalls, drain } = modelOf(cluster, { totalBudget: new TotalBudget(50) });
    drain();
    const short = { s00: 10, s01: 10, s02: 10, s03: 10, s04: 0, s05: 0 };
    assert.deepEqual(served(model, cluster), short);
    assert.ok(model.ruleset.size <= 50 + 2, `${model.ruleset.size}, and the pick chains`);
    assert.deepEqual([...shortfalls.all()].map(({ key, reason }) => `${reason} ${key}`).toSorted(), [
      'total-budget default/s04',
      'total-budget default/s05',
    ]);
    assert.match(
      [...shortfalls.all()][0]?.message ?? '',
      /older ones come first: it is not served\. Give kube-proxy-nft more/,
    );
    // An old Service grows: the youngest that is served makes way.
    model.markDirty(addTo(cluster, 0, 15));
    drain();
    assert.deepEqual(served(model, cluster), { ...short, s00: 15, s03: 0 + (served(model, cluster)['s03'] ?? 0) });
    assert.ok((served(model, cluster)['s03'] ?? 10) < 10);
    assert.ok(model.ruleset.size <= 50 + 2);
    // One goes: the next in age comes in.
    cluster.delete('Service', 'default/s01');
    model.markDirty('default/s01');
    drain();
    assert.deepEqual(served(model, cluster), { s00: 15, s02: 10, s03: 10, s04: 0, s05: 0 });
    for (const key of ['default/s02', 'default/s03']) {
      cluster.delete('Service', key);
      model.markDirty(key);
    }
    drain();
    assert.deepEqual(served(model, cluster), { s00: 15, s04: 10, s05: 10 });
    assert.deepEqual([...shortfalls.all()], []);
  });

  test('serves the same after a restart over the rules of before, and takes away what goes meanwhile', () => {
    const cluster = clusterOf(6);
    const first = modelOf(cluster, { totalBudget: new TotalBudget(50) });
    first.drain();
    const before = served(first.model, cluster);
    const found = foundIn(first.model);
    addTo(cluster, 1, 9);
    const second = modelOf(cluster, { totalBudget: new TotalBudget(50) });
    second.model.restart(found);
    second.drain();
    atOnce(second.model.ruleset.dropUnclaimed());
    second.drain();
    assert.deepEqual(served(second.model, cluster), { ...before, s01: 9 });
    assert.ok(second.model.ruleset.size <= 50 + 2, `${second.model.ruleset.size}`);
  });

  test('lets what the kernel holds fit, though there is less memory than before', () => {
    const cluster = clusterOf(3);
    const first = modelOf(cluster);
    first.drain();
    const found = foundIn(first.model);
    const { model, drain, shortfalls } = modelOf(cluster, { totalBudget: new TotalBudget(10) });
    model.restart(found);
    const sizes = drain();
    assert.deepEqual(served(model, cluster), { s00: 10, s01: 10, s02: 10 });
    assert.deepEqual([sizes, [...shortfalls.all()]], [[1], []], 'one pick chain, of which found has none');
  });

  test('shares the room with the other family', () => {
    const cluster = clusterOf(6);
    const totalBudget = new TotalBudget(100);
    const { model, drain } = modelOf(cluster, { totalBudget });
    drain();
    assert.equal(model.ruleset.size, 6 * 12 + 1);
    totalBudget.demand('ip6', 1000);
    model.markDirty('default/s00');
    drain();
    assert.deepEqual(served(model, cluster), { s00: 10, s01: 10, s02: 10, s03: 10, s04: 0, s05: 0 });
    totalBudget.demand('ip6', 10);
    assert.equal(model.isBehind, true, 'there is room again');
    drain();
    assert.equal(model.ruleset.size, 6 * 12 + 1);
  });

  suite('session affinity', () => {
    const set = (cluster: Cluster, count: number, n = 0): string => {
      const key = addTo(cluster, n, count);
      const of = cluster.service(key);
      assert.ok(of);
      cluster.set({ ...of, affinitySeconds: 100, externalIps: [`198.18.0.${n}`], externalLocal: true });
      return key;
    };
    const isByHash = (model: FamilyModel, key = 'default/s00') => {
      const frontends = model.frontendsOf(key);
      const flags = new Set(frontends.map(({ affinityByHash = false }) => affinityByHash));
      assert.equal(flags.size, 1);
      assert.equal(
        frontends.every((frontend) => picksByClient(model.ruleset, frontend)),
        flags.has(true),
      );
      return flags.has(true);
    };

    test('is by hash beyond the limit, and by lists again below half of it, over a restart too', () => {
      const cluster = new Cluster(NODE_NAME);
      set(cluster, 8);
      const { model, shortfalls, drain } = modelOf(cluster, { affinityLimit: 8 });
      drain();
      const states = [8, 9, 8, 4, 3, 8].map((count) => {
        model.markDirty(set(cluster, count));
        drain();
        return [count, isByHash(model), shortfalls.count('affinity-by-hash')];
      });
      assert.deepEqual(states, [
        [8, false, 0],
        [9, true, 1],
        [8, true, 1],
        [4, true, 1],
        [3, false, 0],
        [8, false, 0],
      ]);
      model.markDirty(set(cluster, 9));
      drain();
      model.markDirty(set(cluster, 5));
      drain();
      model.restart(foundIn(model));
      drain();
      assert.equal(isByHash(model), true);
      model.restart([]);
      drain();
      assert.equal(isByHash(model), false, 'nothing is known of before');
    });

    test('has lists for the oldest Services, where all together have too many', () => {
      const cluster = new Cluster(NODE_NAME);
      for (let n = 0; n < 50; n++) set(cluster, 3, n);
      const { model, drain } = modelOf(cluster, { affinityLimit: 8 });
      drain();
      const byHash = Array.from({ length: 50 }, (_, n) => isByHash(model, `default/s${String(n).padStart(2, '0')}`));
      assert.equal(byHash.indexOf(true), 42, 'sixteen times the limit');
      assert.equal(byHash.lastIndexOf(false), 41);
      cluster.delete('Service', 'default/s07');
      model.markDirty('default/s07');
      drain();
      assert.deepEqual([isByHash(model, 'default/s42'), isByHash(model, 'default/s43')], [false, true]);
    });
  });
});
