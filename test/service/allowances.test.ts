import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Allowances } from '../../src/service/allowances.ts';
import { elementsFor, TotalBudget } from '../../src/service/total-budget.ts';

const GIB = 2 ** 30;

function setUp(ages: Readonly<Record<string, string>> = {}) {
  const allowances = new Allowances((service) => ages[service] ?? '');
  const of = (...services: readonly string[]) => services.map((service) => allowances.of(service));
  return { allowances, of };
}

const ALL = Number.POSITIVE_INFINITY;

suite('what Services may have of the room for all', () => {
  test('is all they request where there is room', () => {
    const { allowances, of } = setUp();
    allowances.set('a/a', 600);
    allowances.set('a/b', 400);
    assert.deepEqual(allowances.settle(1000), []);
    assert.deepEqual(of('a/a', 'a/b', 'a/c'), [ALL, ALL, ALL]);
  });

  test('is not worked out while there is room: a change does not look at other Services', () => {
    const allowances = new Allowances(() => assert.fail('it reads the age of a Service'));
    for (let i = 0; i < 1000; i++) {
      allowances.set(`a/${i}`, 10);
      assert.deepEqual(allowances.settle(10_000), []);
    }
    assert.equal(allowances.total, 10_000);
  });

  test('goes to the oldest first, then by name; one gets a part, those after it nothing', () => {
    const { allowances, of } = setUp({ 'z/old': '2020', 'a/new': '2026', 'b/new': '2026', 'c/new': '2026' });
    for (const [service, demand] of Object.entries({ 'c/new': 10, 'b/new': 500, 'a/new': 300, 'z/old': 400 })) {
      allowances.set(service, demand);
    }
    assert.deepEqual(allowances.settle(1000).toSorted(), ['b/new', 'c/new']);
    assert.deepEqual(of('z/old', 'a/new', 'b/new', 'c/new'), [ALL, ALL, 300, 0]);
    assert.equal(allowances.isShort, true);
  });

  test('changes for those at the edge only', () => {
    const { allowances, of } = setUp({ a: '1', b: '2', c: '3', d: '4' });
    for (const service of ['a', 'b', 'c', 'd']) allowances.set(service, 400);
    assert.deepEqual(allowances.settle(1000), ['c', 'd']);
    allowances.set('a', 395);
    assert.deepEqual(allowances.settle(1000), [], 'less than a step');
    allowances.set('a', 100);
    assert.deepEqual(allowances.settle(1000), ['d', 'c']);
    assert.deepEqual(of('b', 'c', 'd'), [ALL, ALL, 100]);
    allowances.set('b', 0);
    assert.deepEqual(allowances.settle(1000), ['d']);
    assert.equal(allowances.isShort, false);
  });

  test('follows from what they request, whatever was before', () => {
    const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.nat(500));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.integer({ min: 1, max: 1500 }), (changes, room) => {
        const ages = { a: '5', b: '4', c: '3', d: '3', e: '2', f: '1' };
        const { allowances, of } = setUp(ages);
        const told = new Map<string, number>();
        for (const [service, demand] of changes) {
          allowances.set(service, demand);
          for (const changed of allowances.settle(room)) told.set(changed, allowances.of(changed));
        }
        const fresh = setUp(ages);
        for (const [service, demand] of new Map(changes)) fresh.allowances.set(service, demand);
        fresh.allowances.settle(room);
        const services = Object.keys(ages);
        assert.deepEqual(of(...services), fresh.of(...services));
        for (const service of services)
          assert.equal(told.get(service) ?? ALL, allowances.of(service), 'changes are told');
        const used = services.reduce(
          (sum, service) => sum + Math.min(allowances.of(service), allowances.demandOf(service)),
          0,
        );
        assert.ok(used <= room);
      }),
    );
  });
});

suite('the room for all', () => {
  test('follows from the memory there is', () => {
    const elements = (available: number, isOwn: boolean, heap = 4 * GIB) => elementsFor({ available, isOwn, heap });
    assert.equal(elements(GIB / 2, true), 157_286);
    assert.equal(elements(GIB, true), 367_001);
    assert.equal(elements(2 * GIB, false), 576_716, 'three quarters of a machine');
    assert.equal(elements(64 * GIB, false), 2_796_202, 'the heap is the limit');
    assert.equal(elements(GIB / 16, true), 20_000, 'so many there are always');
  });

  test('is for each family half, and what the other one does not request', () => {
    const budget = new TotalBudget(1000);
    assert.equal(budget.room('ip'), 1000);
    budget.demand('ip6', 100);
    budget.demand('ip', 2000);
    assert.deepEqual([budget.room('ip'), budget.room('ip6')], [900, 500]);
    budget.demand('ip6', 5000);
    assert.deepEqual([budget.room('ip'), budget.room('ip6')], [500, 500]);
  });

  test('has for exact weights what nobody needs, shared in the same way', () => {
    const budget = new TotalBudget(1000);
    assert.equal(budget.spareRoom('ip'), 1000);
    budget.demand('ip', 300, 900);
    budget.demand('ip6', 100, 50);
    assert.deepEqual([budget.spareRoom('ip'), budget.spareRoom('ip6')], [550, 300]);
    assert.deepEqual([budget.room('ip'), budget.room('ip6')], [900, 700], 'nothing is taken from what is needed');
    budget.demand('ip6', 900, 50);
    assert.deepEqual([budget.spareRoom('ip'), budget.spareRoom('ip6')], [0, 0]);
    assert.equal(new TotalBudget(Number.POSITIVE_INFINITY).spareRoom('ip'), Number.POSITIVE_INFINITY);
  });
});
