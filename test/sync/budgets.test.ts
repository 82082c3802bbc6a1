import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { picksByClient } from '../../src/ruleset/model/affinity-by-hash.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { atOnce } from '../../src/service/steps.ts';
import { TotalBudget } from '../../src/service/total-budget.ts';
import type { FamilyModel } from '../../src/sync/family-model.ts';
import { clusterWith, elementsOf, modelFor } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';

/** Service s00, s01, … of that age, and its endpoints: two more elements than those. */
function aged(n: number, endpoints = 10) {
  const number = String(n).padStart(2, '0');
  const name = `s${number}`;
  const addresses = Array.from({ length: endpoints }, (_, i) => ready(`10.1.${n}.${i}`));
  return [
    service({ name, clusterIps: [`10.96.0.${n}`], createdAt: `2026-01-01T00:00:${number}Z` }),
    slice(addresses, { name, serviceName: name }),
  ] as const;
}

/** So many of them, the youngest first. */
function clusterOf(count: number): Cluster {
  return clusterWith(...Array.from({ length: count }, (_, i) => aged(count - 1 - i)).flat());
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
  for (const [left, objects] of [
    [
      'the weights of its endpoints are less exact',
      [
        service(),
        slice([ready('10.0.0.1')], { options: { weight: 60 } }),
        slice([ready('10.0.0.2')], { name: 'web-2', options: { weight: 61 } }),
      ],
    ],
    [
      'some of its ports or addresses are not served',
      [service({ externalIps: Array.from({ length: 50 }, (_, i) => `203.0.113.${i}`) }), slice([ready('10.0.0.1')])],
    ],
    [
      'its hash tables have 1 slot for each endpoint, each port uses at most 34 of its endpoints',
      [
        service({ options: { lbAlgorithm: 'client-hash' } }),
        slice(Array.from({ length: 40 }, (_, i) => ready(`10.0.0.${i}`))),
      ],
    ],
  ] as const) {
    test(`says what a Service lacks: ${left}`, () => {
      const { shortfalls, drain } = modelFor(objects, { serviceBudget: 100 });
      drain();
      assert.deepEqual(
        [...shortfalls.all()].map(({ message }) => message),
        [
          'its ports, addresses and endpoints need more than the 100 elements that one Service may have: ' +
            `${left}. Split it, or raise --max-elements-per-service`,
        ],
      );
    });
  }

  test('cuts a Service to its budget, says so, and takes away what goes', () => {
    const ports = Array.from({ length: 50 }, (_, i) => ({ name: `p${i}`, protocol: 'tcp' as const, port: 80 + i }));
    const addresses = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`);
    const endpoints = (left: readonly string[]) =>
      slice(
        left.map((address) => ready(address)),
        { ports: ports.map((port) => ({ ...port, port: 8080 })) },
      );
    const web = [service({ ports }), endpoints(addresses)];
    const { model, set, shortfalls, drain } = modelFor(web, { serviceBudget: 1000 });
    drain();
    assert.ok(model.ruleset.size <= 1000, `${model.ruleset.size}`);
    assert.deepEqual(
      [...shortfalls.all()].map(({ key, reason, message }) => [key, reason, message]),
      [
        [
          'default/web',
          'service-budget',
          'its ports, addresses and endpoints need more than the 1000 elements that one Service may have: each port ' +
            'uses at most 18 of its endpoints. Split it, or raise --max-elements-per-service',
        ],
      ],
    );
    const used = () =>
      new Set(
        [...model.frontendsOf('default/web')].flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
      );
    const [gone = ''] = used();
    set(endpoints(addresses.filter((address) => address !== gone)));
    drain();
    assert.ok(!used().has(gone));
    assert.ok(elementsOf(model.ruleset).every(({ value }) => !value.startsWith(`${gone} `)));
    set(endpoints(addresses.slice(0, 10)));
    drain();
    assert.deepEqual([...shortfalls.all()], []);
    assert.equal(used().size, 10);
  });

  test('makes the same hash tables with different totals, and says so where a total is too small for that', () => {
    const [web, endpoints] = aged(0, 40);
    const nodeWith = (total: number) => {
      const hashed = { ...web, options: { lbAlgorithm: 'client-hash' } } as const;
      const { model, shortfalls, drain } = modelFor([hashed, endpoints], { totalBudget: new TotalBudget(total) });
      drain();
      const [{ hashing, endpoints: used = [] } = {}] = model.frontendsOf('default/s00');
      const table = Array.from(hashing?.table ?? [], (place) => used[place]?.address);
      return { table, used: new Set(table).size, said: [...shortfalls.all()].map(({ message }) => message) };
    };
    const large = nodeWith(100_000);
    assert.equal(large.table.length, 1024);
    assert.deepEqual(nodeWith(2000), large);
    assert.deepEqual(large.said, []);
    const short = 'all Services together need more elements than this node has memory for, and older ones come first: ';
    const differs =
      'and a client may reach another endpoint than through other nodes, which may have more memory. ' +
      'Give kube-proxy-nft more memory, or see --max-elements';
    const half = nodeWith(700);
    assert.deepEqual([half.table.length, half.used], [512, 40]);
    assert.deepEqual(half.said, [`${short}its hash tables have 8 slots for each endpoint, ${differs}`]);
    const few = nodeWith(80);
    assert.ok(few.used > 0 && few.used < 40, `${few.used}`);
    assert.deepEqual(few.said, [
      `${short}its hash tables have 1 slot for each endpoint, some of its endpoints are not used, ${differs}`,
    ]);
    assert.match(nodeWith(1).said.join(), /older ones come first: it is not served\. Give/);
  });

  test('serves the oldest Services where not all fit, in whatever order they come, and again when there is room', () => {
    const cluster = clusterOf(6);
    const { model, set, remove, shortfalls, drain } = modelFor(cluster, { totalBudget: new TotalBudget(50) });
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
    set(...aged(0, 15));
    drain();
    assert.deepEqual(served(model, cluster), { ...short, s00: 15, s03: 0 + (served(model, cluster)['s03'] ?? 0) });
    assert.ok((served(model, cluster)['s03'] ?? 10) < 10);
    assert.ok(model.ruleset.size <= 50 + 2);
    // One goes: the next in age comes in.
    remove('Service', 'default/s01');
    drain();
    assert.deepEqual(served(model, cluster), { s00: 15, s02: 10, s03: 10, s04: 0, s05: 0 });
    remove('Service', 'default/s02', 'default/s03');
    drain();
    assert.deepEqual(served(model, cluster), { s00: 15, s04: 10, s05: 10 });
    assert.deepEqual([...shortfalls.all()], []);
  });

  test('serves the same after a restart over the rules of before, and takes away what goes meanwhile', () => {
    const cluster = clusterOf(6);
    const first = modelFor(cluster, { totalBudget: new TotalBudget(50) });
    first.drain();
    const before = served(first.model, cluster);
    const found = elementsOf(first.model.ruleset);
    for (const object of aged(1, 9)) cluster.set(object);
    const second = modelFor(cluster, { totalBudget: new TotalBudget(50) });
    second.model.restart(found);
    second.drain();
    atOnce(second.model.ruleset.dropUnreferenced());
    second.drain();
    assert.deepEqual(served(second.model, cluster), { ...before, s01: 9 });
    assert.ok(second.model.ruleset.size <= 50 + 2, `${second.model.ruleset.size}`);
  });

  test('lets what the kernel holds fit, though there is less memory than before', () => {
    const cluster = clusterOf(3);
    const first = modelFor(cluster);
    first.drain();
    const { model, drain, shortfalls } = modelFor(cluster, { totalBudget: new TotalBudget(10) });
    model.restart(elementsOf(first.model.ruleset));
    const sizes = drain();
    assert.deepEqual(served(model, cluster), { s00: 10, s01: 10, s02: 10 });
    assert.deepEqual([sizes, [...shortfalls.all()]], [[0], []]);
  });

  test('shares the room with the other family', () => {
    const cluster = clusterOf(6);
    const totalBudget = new TotalBudget(100);
    const { model, drain } = modelFor(cluster, { totalBudget });
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

  test('takes no Service away for the slow start of an older one, whose shares are less exact then', () => {
    const cluster = clusterOf(6);
    const slow = (endpoints: number) => {
      const [web, endpointSlice] = aged(0, endpoints);
      return [{ ...web, options: { slowStartSeconds: 8 } }, endpointSlice];
    };
    for (const object of slow(10)) cluster.set(object);
    const totalBudget = new TotalBudget(180);
    const { model, set, shortfalls, drain } = modelFor(cluster, { totalBudget });
    drain();
    model.advance(1_000);
    set(...slow(11));
    const all = { s00: 11, s01: 10, s02: 10, s03: 10, s04: 10, s05: 10 };
    const startOf = () => model.frontendsOf('default/s00')[0]?.endpoints.map(({ weight = 1 }) => weight) ?? [];
    drain();
    assert.deepEqual(startOf().toSorted(), [1, ...Array.from({ length: 10 }, () => 8)], 'there is room for all of it');
    // The other family comes to need so much that there is not.
    totalBudget.demand('ip6', 80);
    for (let now = 2_000; now < 9_000; now += 1_000) {
      model.advance(now);
      drain();
      assert.deepEqual(served(model, cluster), all);
      assert.ok(model.ruleset.size <= 100 + 2, `${model.ruleset.size}`);
      assert.ok(Math.max(...startOf()) <= 4, `${startOf()}`);
    }
    assert.match(
      [...shortfalls.all()].map(({ key, message }) => `${key} ${message}`).join(),
      /^default\/s00 all Services .*: the weights of its endpoints are less exact\. Give kube-proxy-nft more memory/,
    );
    model.advance(9_000);
    drain();
    assert.deepEqual([...shortfalls.all()], [], 'the last step needs nothing more');
    assert.deepEqual(served(model, cluster), all);
  });

  suite('session affinity', () => {
    const sticky = (count: number, n = 0) => {
      const [of, endpoints] = aged(n, count);
      return [{ ...of, affinitySeconds: 100, externalIps: [`198.18.0.${n}`], externalLocal: true }, endpoints];
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
      const { model, set, shortfalls, drain } = modelFor(sticky(8), { affinityLimit: 8 });
      drain();
      const states = [8, 9, 8, 4, 3, 8].map((count) => {
        set(...sticky(count));
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
      set(...sticky(9));
      drain();
      set(...sticky(5));
      drain();
      model.restart(elementsOf(model.ruleset));
      drain();
      assert.equal(isByHash(model), true);
      model.restart([]);
      drain();
      assert.equal(isByHash(model), false, 'nothing is known of before');
    });

    test('has lists for the oldest Services, where all together have too many', () => {
      const fifty = Array.from({ length: 50 }, (_, n) => sticky(3, n)).flat();
      const { model, remove, drain } = modelFor(fifty, { affinityLimit: 8 });
      drain();
      const byHash = Array.from({ length: 50 }, (_, n) => isByHash(model, `default/s${String(n).padStart(2, '0')}`));
      assert.equal(byHash.indexOf(true), 42, 'sixteen times the limit');
      assert.equal(byHash.lastIndexOf(false), 41);
      remove('Service', 'default/s07');
      drain();
      assert.deepEqual([isByHash(model, 'default/s42'), isByHash(model, 'default/s43')], [false, true]);
    });
  });
});
