import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Element } from '../../../src/ruleset/elements/element.ts';
import type { Frontend } from '../../../src/service/frontend.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { endpoint, frontend } from '../../builders/frontends.ts';
import { elementsOf, programOf } from '../../builders/models.ts';
import { setServices, WEB, WrittenTable } from '../../builders/rulesets.ts';

const PROGRAM = programOf('ip');

/** A table that serves default/web with these endpoints, after its first transaction. */
function serving(...endpoints: readonly number[]): WrittenTable {
  const table = new WrittenTable(PROGRAM);
  table.change({ [WEB]: [frontend(endpoints)] });
  return table;
}

/** The same with this frontend. */
function servingBy(one: Frontend): WrittenTable {
  const table = new WrittenTable(PROGRAM);
  table.change({ [WEB]: [one] });
  return table;
}

/** How many elements it takes to have the endpoints of default/web change. */
function elementsTo(before: readonly number[], after: readonly number[]): number {
  return serving(...before).elementsFor({ [WEB]: [frontend(after)] });
}

const slot = (number: number, lastByte?: number) =>
  `endpoints-tcp 10.96.0.10 . 80 . ${number}${lastByte === undefined ? '' : ` : 10.0.0.${lastByte} . 8080`}`;
const DISPATCH = 'services 10.96.0.10 . tcp . 80';
const CLUSTER_IP = 'cluster-ips 10.96.0.10';

// What is written, and how much of it. Where it is written is for whoever plans the slots.
suite('the transaction for', () => {
  test('a new Service has its ClusterIP, its slots and what leads to them', () => {
    const table = new WrittenTable(PROGRAM);
    assert.deepEqual(table.change({ [WEB]: [frontend([1, 2, 3])] }), [
      `+ ${CLUSTER_IP}`,
      `+ ${slot(0, 1)}`,
      `+ ${slot(1, 2)}`,
      `+ ${slot(2, 3)}`,
      `+ ${DISPATCH} : goto pick-tcp-4`,
    ]);
    assert.equal(table.ruleset.hasWaiting, false);
    assert.equal(table.ruleset.size, 6, 'with its pick chain');
  });

  test('a new Service without endpoints refuses its connections', () => {
    const table = new WrittenTable(PROGRAM);
    assert.deepEqual(table.change({ [WEB]: [frontend([])] }), [`+ ${CLUSTER_IP}`, `+ ${DISPATCH} : goto refuse`]);
  });

  test('several ports of a Service has its ClusterIP once', () => {
    const table = new WrittenTable(PROGRAM);
    assert.equal(table.elementsFor({ [WEB]: [frontend([1]), frontend([1], { protocol: 'udp', port: 53 })] }), 5);
  });

  test('an endpoint that may be on this node lets it reach itself', () => {
    const { kernel } = servingBy(frontend([], { endpoints: [endpoint(1, true), endpoint(2)] }));
    const keys = [...kernel.elements.keys()];
    assert.deepEqual(
      keys.filter((key) => key.startsWith('hairpin')),
      ['hairpin 10.0.0.1 . 10.0.0.1'],
    );
  });

  for (const [what, before, after, count] of [
    ['no change is empty', [1, 2, 3], [1, 2, 3], 0],
    ['another order is empty', [1, 2, 3], [3, 1, 2], 0],
    ['one more endpoint is one element, while the capacity suffices', [1, 2, 3], [0, 1, 2, 3], 1],
    ['one more endpoint than the capacity moves the verdict to the next', [1, 2], [1, 2, 3], 3],
    ['one endpoint less moves one other into the hole', [1, 2, 3, 4], [1, 3, 4], 3],
    ['the last of the endpoints less is one element', [1, 2, 3, 4], [1, 2, 3], 1],
    ['a replaced endpoint is its slot, twice', [1, 2, 3], [1, 9, 3], 2],
  ] as const) {
    test(what, () => assert.equal(elementsTo(before, after), count));
  }

  test('an endpoint that turns out to be here is its hairpin element', () => {
    const local = frontend([], { endpoints: [endpoint(1, true)] });
    assert.equal(serving(1).elementsFor({ [WEB]: [local] }), 1);
  });
});

// Order is the point: a packet may have looked up what leads to an element just before that goes.
suite('what a packet may still be on its way to goes later, hop by hop:', () => {
  test('the slots of a frontend without endpoints, while it refuses at once', () => {
    const table = serving(1, 2);
    assert.deepEqual(table.change({ [WEB]: [frontend([])] }), [`- ${DISPATCH}`, `+ ${DISPATCH} : goto refuse`]);
    assert.equal(table.ruleset.hasWaiting, true);
    assert.deepEqual(table.take(), [`- ${slot(0)}`, `- ${slot(1)}`]);
    assert.equal(table.ruleset.hasWaiting, false);
    assert.deepEqual(table.take(), []);
  });

  test('all of a deleted Service but what leads to it', () => {
    const table = servingBy(frontend([], { endpoints: [endpoint(1, true)] }));
    assert.deepEqual(table.change({ [WEB]: [] }), [`- ${DISPATCH}`]);
    assert.deepEqual(table.take(), [`- ${slot(0)}`]);
    assert.deepEqual(table.take(), [`- ${CLUSTER_IP}`, '- hairpin 10.0.0.1 . 10.0.0.1']);
    assert.equal(table.ruleset.size, 1, 'the pick chain stays');
    assert.equal(table.ruleset.hasWaiting, false);
  });

  test('the ClusterIP of a deleted Service without endpoints', () => {
    const table = serving();
    assert.deepEqual(table.change({ [WEB]: [] }), [`- ${DISPATCH}`]);
    assert.deepEqual(table.take(), [`- ${CLUSTER_IP}`]);
  });

  test('the hairpin element of an endpoint that is gone', () => {
    const table = servingBy(frontend([], { endpoints: [endpoint(1, true), endpoint(2)] }));
    assert.deepEqual(table.change({ [WEB]: [frontend([2])] }), [`- ${slot(0)}`, `- ${slot(1)}`, `+ ${slot(0, 2)}`]);
    assert.deepEqual(table.take(), ['- hairpin 10.0.0.1 . 10.0.0.1']);
  });

  test('who may connect, where from now on everybody may', () => {
    const open: Partial<Frontend> = { kind: 'load-balancer-ip', address: '203.0.113.1' };
    const inRanges = frontend([1], { ...open, sourceRanges: ['198.51.100.0/24', '192.0.2.0/24'] });
    const table = servingBy(inRanges);
    assert.deepEqual(table.change({ [WEB]: [frontend([1], open)] }), [
      '- services 203.0.113.1 . tcp . 80',
      '+ services 203.0.113.1 . tcp . 80 : goto pick-tcp-1',
    ]);
    assert.deepEqual(table.take(), [
      '- admitted 203.0.113.1 . tcp . 80',
      '- source-ranges 203.0.113.1 . tcp . 80 . 192.0.2.0/24',
      '- source-ranges 203.0.113.1 . tcp . 80 . 198.51.100.0/24',
    ]);
    assert.equal(table.ruleset.hasWaiting, false);
  });

  test('with the next change, if there is one', () => {
    const table = serving(1);
    table.change({ [WEB]: [] });
    const api = (address: string) => table.change({ [`default/${address}`]: [frontend([], { address })] });
    const added = (address: string) => [`+ cluster-ips ${address}`, `+ services ${address} . tcp . 80 : goto refuse`];
    for (const address of ['10.96.0.11', '10.96.0.12']) assert.deepEqual(api(address), added(address));
    assert.deepEqual(api('10.96.0.13'), [`- ${slot(0)}`, ...added('10.96.0.13')]);
    assert.deepEqual(api('10.96.0.14'), added('10.96.0.14'));
    assert.deepEqual(api('10.96.0.15'), [`- ${CLUSTER_IP}`, ...added('10.96.0.15')]);
    assert.equal(table.ruleset.hasWaiting, false);
  });

  test('not at all, if it is wanted again before', () => {
    const table = serving(1, 2);
    table.change({ [WEB]: [] });
    assert.deepEqual(table.change({ [WEB]: [frontend([1, 2])] }), [`+ ${DISPATCH} : goto pick-tcp-2`]);
    assert.deepEqual(table.take(), []);
    assert.equal(table.ruleset.size, 5);
  });

  test('not at all, if it is wanted, given up and wanted again before the transaction', () => {
    const table = serving(1, 2);
    table.change({ [WEB]: [] });
    for (const endpoints of [[1, 2], [1], [1, 3]]) setServices(table.ruleset, { [WEB]: [frontend(endpoints)] });
    table.take();
    assert.equal(table.ruleset.size, 6, 'ClusterIP, dispatch, two slots and the pick chains for one and two');
    assert.deepEqual(table.take(), []);
    assert.equal(table.ruleset.size, 6);
  });

  test('what the lower half of the old capacity held, where many endpoints go at once', () => {
    const table = serving(1, 2, 3, 4, 5, 6, 7, 8);
    // A packet that read "goto pick-tcp-8" settles for slots 0 to 3 in the end: they lead to endpoint 1 meanwhile.
    assert.deepEqual(table.change({ [WEB]: [frontend([1])] }), [
      ...[1, 2, 3, 4, 5, 6, 7].map((number) => `- ${slot(number)}`),
      `- ${DISPATCH}`,
      ...[1, 2, 3].map((number) => `+ ${slot(number, 1)}`),
      `+ ${DISPATCH} : goto pick-tcp-1`,
    ]);
    assert.deepEqual(
      table.take(),
      [1, 2, 3].map((number) => `- ${slot(number)}`),
    );
    assert.equal(table.ruleset.hasWaiting, false);
  });
});

suite('several changes before one transaction', () => {
  test('that cancel each other are an empty transaction', () => {
    const table = serving(1, 2, 3);
    setServices(table.ruleset, { [WEB]: [frontend([1, 2, 3, 4])] });
    assert.equal(table.elementsFor({ [WEB]: [frontend([1, 2, 3])] }), 0);
  });

  test('of one element delete and add it once', () => {
    const table = serving(1);
    for (const lastByte of [2, 3]) setServices(table.ruleset, { [WEB]: [frontend([lastByte])] });
    assert.equal(table.elementsFor({ [WEB]: [frontend([4])] }), 2);
  });
});

suite('elements of several Services', () => {
  const api = (endpoints: Frontend['endpoints']) =>
    frontend([], { address: '10.96.0.11', servicePort: 'default/api', endpoints });

  test('are added once and stay until nobody wants them', () => {
    const table = new WrittenTable(PROGRAM);
    const local = [endpoint(1, true)];
    const added = table.change({ [WEB]: [frontend([], { endpoints: local })], 'default/api': [api(local)] });
    assert.equal(added.filter((line) => line.includes('hairpin')).length, 1);
    const removeAll = (key: string) => [table.change({ [key]: [] }), table.take(), table.take()];
    assert.doesNotMatch(removeAll(WEB).join(), /hairpin/);
    assert.match(removeAll('default/api').join(), /- hairpin 10\.0\.0\.1 \. 10\.0\.0\.1/);
  });

  test('a frontend that passes from one to the other is rewritten in one transaction, never away', () => {
    const table = serving(1, 2, 3);
    const taken = frontend([3, 4, 5], { servicePort: 'default/older:http' });
    assert.equal(table.elementsFor({ [WEB]: [], 'default/older': [taken] }), 8, 'its verdict and slots, out and in');
    const values = [...table.kernel.elements].filter(([id]) => id.startsWith('services') || id.startsWith('endpoints'));
    assert.ok(values.every(([, value]) => value.endsWith(' # default/older:http')));
  });
});

suite('a restart', () => {
  const restarted = ({ ruleset }: WrittenTable) => new WrittenTable(PROGRAM, elementsOf(ruleset));

  test('of an unchanged cluster writes nothing, in whatever order the slots are', () => {
    const before = serving(1, 2, 3);
    before.change({ [WEB]: [frontend([2, 3, 4])] });
    const after = restarted(before);
    assert.equal(after.elementsFor({ [WEB]: [frontend([2, 3, 4])] }), 0);
    atOnce(after.ruleset.dropUnreferenced());
    assert.deepEqual(after.take(), []);
    assert.equal(after.ruleset.hasWaiting, false);
    assert.equal(after.ruleset.size, before.ruleset.size);
  });

  test('writes the difference of a changed one', () => {
    assert.equal(restarted(serving(1, 2, 3)).elementsFor({ [WEB]: [frontend([1, 2, 3, 4])] }), 1);
  });

  test('removes what nobody wants any more: first what leads there, then the rest', () => {
    const after = restarted(serving(1));
    after.take();
    atOnce(after.ruleset.dropUnreferenced());
    // Order is the point, as above.
    assert.deepEqual(after.take(), [`- ${DISPATCH}`]);
    assert.deepEqual(after.take(), [`- ${slot(0)}`]);
    assert.deepEqual(after.take(), [`- ${CLUSTER_IP}`]);
    assert.equal(after.ruleset.size, 1, 'the pick chain stays');
  });

  test('corrects an element that somebody changed', () => {
    const found = elementsOf(serving(1).ruleset).map((element) =>
      element.setOrMap.name === 'services' ? { ...element, value: 'goto pick-tcp-8' } : element,
    );
    assert.equal(new WrittenTable(PROGRAM, found).elementsFor({ [WEB]: [frontend([1])] }), 2, 'out and in');
  });

  test('keeps the pod networks that are right', () => {
    const program = programOf('ip', { localPods: { by: 'pod-cidrs' } });
    const networks = (cidrs: readonly string[], found: readonly Element[] = []) => {
      const table = new WrittenTable(program, found);
      table.ruleset.setNetworks('pod-cidrs', cidrs);
      atOnce(table.ruleset.dropUnreferenced());
      return { found: elementsOf(table.ruleset), lines: [...table.take(), ...table.take()] };
    };
    const { found, lines } = networks(['10.244.0.0/16']);
    assert.deepEqual(lines, ['+ pod-cidrs 10.244.0.0/16']);
    assert.deepEqual(networks(['10.244.0.0/16'], found).lines, []);
    assert.deepEqual(networks(['10.245.0.0/16'], found).lines, [
      '- pod-cidrs 10.244.0.0/16',
      '+ pod-cidrs 10.245.0.0/16',
    ]);
  });
});

suite('an element that nft refused', () => {
  test('is not deleted, since it is not there, and is tried again when it changes', () => {
    const table = serving(1);
    const services = PROGRAM.setsAndMaps.find(({ name }) => name === 'services') ?? assert.fail();
    table.refuse({ setOrMap: services, key: '10.96.0.10 . tcp . 80' });
    assert.deepEqual(table.change({ [WEB]: [frontend([1])] }), []);
    assert.deepEqual(table.change({ [WEB]: [frontend([1, 2])] }), [
      `+ ${slot(1, 2)}`,
      `+ ${DISPATCH} : goto pick-tcp-2`,
    ]);
  });

  test('is not deleted with its Service', () => {
    const table = serving(1);
    table.refuse(...elementsOf(table.ruleset));
    assert.deepEqual([...table.change({ [WEB]: [] }), ...table.settle()], []);
    assert.equal(table.ruleset.size, 1, 'the pick chain stays');
  });
});

suite('a frontend that is withdrawn', () => {
  test('goes though nothing else changes', () => {
    const table = servingBy(frontend([], { kind: 'node-port', address: '', port: 30_080 }));
    table.ruleset.suspect(' tcp 30080');
    table.ruleset.withdraw(' tcp 30080');
    assert.equal(table.ruleset.hasWaiting, true);
    assert.ok(table.take().includes('- node-ports tcp . 30080'));
  });
});
