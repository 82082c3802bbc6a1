import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Element } from '../../src/ruleset/element.ts';
import { OBJECTS } from '../../src/ruleset/objects.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Ruleset } from '../../src/ruleset/ruleset.ts';
import type { Transaction } from '../../src/ruleset/transaction.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import { atOnce } from '../../src/service/steps.ts';
import { endpoint, frontend } from '../builders/frontends.ts';
import { setServices } from '../builders/set-services.ts';
import { describeTransaction } from '../builders/strict-kernel.ts';

const WEB = 'default/web';
const PROGRAM = buildProgram('ip', {});

/** A ruleset, after a first transaction, that serves default/web with these endpoints. */
function serving(...endpoints: readonly number[]): Ruleset {
  const ruleset = new Ruleset(PROGRAM);
  change(ruleset, { [WEB]: [frontend(endpoints)] });
  return ruleset;
}

/** Sets Services and takes the transaction, as lines. */
function change(ruleset: Ruleset, services: Readonly<Record<string, readonly Frontend[]>>): readonly string[] {
  setServices(ruleset, new Map(Object.entries(services)));
  return describeTransaction(ruleset.takeTransaction());
}

function allElements(ruleset: Ruleset): Element[] {
  return [...ruleset.program.containers, ...OBJECTS].flatMap((container) => [...ruleset.elementsOf(container)]);
}

function isEmpty({ deletes, adds }: Transaction): boolean {
  return deletes.length + adds.length === 0;
}

const slot = (number: number, lastByte?: number) =>
  `endpoints-tcp 10.96.0.10 . 80 . ${number}${lastByte === undefined ? '' : ` : 10.0.0.${lastByte} . 8080`}`;
const DISPATCH = 'services 10.96.0.10 . tcp . 80';
const CLUSTER_IP = 'cluster-ips 10.96.0.10';

suite('the transaction for', () => {
  test('a new Service has its ClusterIP, its slots and what leads to them', () => {
    const ruleset = new Ruleset(PROGRAM);
    const lines = change(ruleset, { [WEB]: [frontend([1, 2, 3])] });
    assert.deepEqual(lines, [
      `+ ${CLUSTER_IP}`,
      `+ ${slot(0, 1)}`,
      `+ ${slot(1, 2)}`,
      `+ ${slot(2, 3)}`,
      `+ ${DISPATCH} : goto pick-tcp-4`,
    ]);
    assert.equal(ruleset.hasWaiting, false);
    assert.equal(ruleset.size, 6, 'with its pick chain');
  });

  test('a new Service without endpoints refuses its connections', () => {
    const ruleset = new Ruleset(PROGRAM);
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([])] }), [`+ ${CLUSTER_IP}`, `+ ${DISPATCH} : goto refuse`]);
  });

  test('several ports of a Service has its ClusterIP once', () => {
    const ruleset = new Ruleset(PROGRAM);
    const lines = change(ruleset, { [WEB]: [frontend([1]), frontend([1], { protocol: 'udp', port: 53 })] });
    assert.deepEqual(lines, [
      `+ ${CLUSTER_IP}`,
      `+ ${slot(0, 1)}`,
      '+ endpoints-udp 10.96.0.10 . 53 . 0 : 10.0.0.1 . 8080',
      `+ ${DISPATCH} : goto pick-tcp-1`,
      '+ services 10.96.0.10 . udp . 53 : goto pick-udp-1',
    ]);
  });

  test('an endpoint that may be on this node lets it reach itself', () => {
    const ruleset = new Ruleset(PROGRAM);
    const lines = change(ruleset, { [WEB]: [frontend([], { endpoints: [endpoint(1, true), endpoint(2)] })] });
    assert.deepEqual(
      lines.filter((line) => line.includes('hairpin')),
      ['+ hairpin 10.0.0.1 . 10.0.0.1'],
    );
  });

  test('no change is empty', () => {
    const ruleset = serving(1, 2, 3);
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([1, 2, 3])] }), []);
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([3, 1, 2])] }), [], 'nor does the order matter');
  });

  test('one more endpoint is one element, while the capacity suffices', () => {
    assert.deepEqual(change(serving(1, 2, 3), { [WEB]: [frontend([0, 1, 2, 3])] }), [`+ ${slot(3, 0)}`]);
  });

  test('one more endpoint than the capacity moves the verdict to the next', () => {
    assert.deepEqual(change(serving(1, 2), { [WEB]: [frontend([1, 2, 3])] }), [
      `- ${DISPATCH}`,
      `+ ${slot(2, 3)}`,
      `+ ${DISPATCH} : goto pick-tcp-4`,
    ]);
  });

  test('one endpoint less moves the last slot into the hole', () => {
    assert.deepEqual(change(serving(1, 2, 3, 4), { [WEB]: [frontend([1, 3, 4])] }), [
      `- ${slot(1)}`,
      `- ${slot(3)}`,
      `+ ${slot(1, 4)}`,
    ]);
  });

  test('the last of the endpoints less is one element', () => {
    assert.deepEqual(change(serving(1, 2, 3, 4), { [WEB]: [frontend([1, 2, 3])] }), [`- ${slot(3)}`]);
  });

  test('a replaced endpoint is its slot', () => {
    assert.deepEqual(change(serving(1, 2, 3), { [WEB]: [frontend([1, 9, 3])] }), [`- ${slot(1)}`, `+ ${slot(1, 9)}`]);
  });

  test('an endpoint that turns out to be here is its hairpin element', () => {
    const ruleset = serving(1);
    const local = frontend([], { endpoints: [endpoint(1, true)] });
    assert.deepEqual(change(ruleset, { [WEB]: [local] }), ['+ hairpin 10.0.0.1 . 10.0.0.1']);
  });
});

suite('what a packet may still be on its way to goes later, hop by hop:', () => {
  test('the slots of a frontend without endpoints, while it refuses at once', () => {
    const ruleset = serving(1, 2);
    const lines = change(ruleset, { [WEB]: [frontend([])] });
    assert.deepEqual(lines, [`- ${DISPATCH}`, `+ ${DISPATCH} : goto refuse`]);
    assert.equal(ruleset.hasWaiting, true);
    assert.deepEqual(change(ruleset, {}), [`- ${slot(0)}`, `- ${slot(1)}`]);
    assert.equal(ruleset.hasWaiting, false);
    assert.deepEqual(change(ruleset, {}), []);
  });

  test('all of a deleted Service but what leads to it', () => {
    const ruleset = new Ruleset(PROGRAM);
    change(ruleset, { [WEB]: [frontend([], { endpoints: [endpoint(1, true)] })] });
    assert.deepEqual(change(ruleset, { [WEB]: [] }), [`- ${DISPATCH}`]);
    assert.deepEqual(change(ruleset, {}), [`- ${slot(0)}`]);
    assert.deepEqual(change(ruleset, {}), [`- ${CLUSTER_IP}`, '- hairpin 10.0.0.1 . 10.0.0.1']);
    assert.equal(ruleset.size, 1, 'the pick chain stays');
    assert.equal(ruleset.hasWaiting, false);
  });

  test('the ClusterIP of a deleted Service without endpoints', () => {
    const ruleset = serving();
    assert.deepEqual(change(ruleset, { [WEB]: [] }), [`- ${DISPATCH}`]);
    assert.deepEqual(change(ruleset, {}), [`- ${CLUSTER_IP}`]);
  });

  test('the hairpin element of an endpoint that is gone', () => {
    const ruleset = new Ruleset(PROGRAM);
    change(ruleset, { [WEB]: [frontend([], { endpoints: [endpoint(1, true), endpoint(2)] })] });
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([2])] }), [`- ${slot(0)}`, `- ${slot(1)}`, `+ ${slot(0, 2)}`]);
    assert.deepEqual(change(ruleset, {}), ['- hairpin 10.0.0.1 . 10.0.0.1']);
  });

  test('who may connect, where from now on everybody may', () => {
    const open: Partial<Frontend> = { kind: 'load-balancer-ip', address: '203.0.113.1' };
    const inRanges = frontend([1], { ...open, sourceRanges: ['198.51.100.0/24', '192.0.2.0/24'] });
    const ruleset = new Ruleset(PROGRAM);
    change(ruleset, { [WEB]: [inRanges] });
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([1], open)] }), [
      '- services 203.0.113.1 . tcp . 80',
      '+ services 203.0.113.1 . tcp . 80 : goto pick-tcp-1',
    ]);
    assert.deepEqual(change(ruleset, {}), [
      '- admitted 203.0.113.1 . tcp . 80',
      '- source-ranges 203.0.113.1 . tcp . 80 . 192.0.2.0/24',
      '- source-ranges 203.0.113.1 . tcp . 80 . 198.51.100.0/24',
    ]);
    assert.equal(ruleset.hasWaiting, false);
  });

  test('with the next change, if there is one', () => {
    const ruleset = serving(1);
    change(ruleset, { [WEB]: [] });
    const api = (address: string) => change(ruleset, { [`default/${address}`]: [frontend([], { address })] });
    const added = (address: string) => [`+ cluster-ips ${address}`, `+ services ${address} . tcp . 80 : goto refuse`];
    for (const address of ['10.96.0.11', '10.96.0.12']) assert.deepEqual(api(address), added(address));
    assert.deepEqual(api('10.96.0.13'), [`- ${slot(0)}`, ...added('10.96.0.13')]);
    assert.deepEqual(api('10.96.0.14'), added('10.96.0.14'));
    assert.deepEqual(api('10.96.0.15'), [`- ${CLUSTER_IP}`, ...added('10.96.0.15')]);
    assert.equal(ruleset.hasWaiting, false);
  });

  test('not at all, if it is wanted again before', () => {
    const ruleset = serving(1, 2);
    change(ruleset, { [WEB]: [] });
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([1, 2])] }), [`+ ${DISPATCH} : goto pick-tcp-2`]);
    assert.deepEqual(change(ruleset, {}), []);
    assert.equal(ruleset.size, 5);
  });

  test('not at all, if it is wanted, given up and wanted again before the transaction', () => {
    const ruleset = serving(1, 2);
    change(ruleset, { [WEB]: [] });
    for (const endpoints of [[1, 2], [1], [1, 3]]) setServices(ruleset, new Map([[WEB, [frontend(endpoints)]]]));
    ruleset.takeTransaction();
    assert.equal(ruleset.size, 6, 'ClusterIP, dispatch, two slots and the pick chains for one and two');
    assert.deepEqual(change(ruleset, {}), []);
    assert.equal(ruleset.size, 6);
  });

  test('what the lower half of the old capacity held, where many endpoints go at once', () => {
    const ruleset = serving(1, 2, 3, 4, 5, 6, 7, 8);
    // A packet that read "goto pick-tcp-8" settles for slots 0 to 3 in the end: they lead to endpoint 1 meanwhile.
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([1])] }), [
      ...[1, 2, 3, 4, 5, 6, 7].map((number) => `- ${slot(number)}`),
      `- ${DISPATCH}`,
      ...[1, 2, 3].map((number) => `+ ${slot(number, 1)}`),
      `+ ${DISPATCH} : goto pick-tcp-1`,
    ]);
    assert.deepEqual(
      change(ruleset, {}),
      [1, 2, 3].map((number) => `- ${slot(number)}`),
    );
    assert.equal(ruleset.hasWaiting, false);
  });
});

suite('several changes before one transaction', () => {
  test('that cancel each other are an empty transaction', () => {
    const ruleset = serving(1, 2, 3);
    setServices(ruleset, new Map([[WEB, [frontend([1, 2, 3, 4])]]]));
    setServices(ruleset, new Map([[WEB, [frontend([1, 2, 3])]]]));
    assert.ok(isEmpty(ruleset.takeTransaction()));
  });

  test('of one element delete and add it once', () => {
    const ruleset = serving(1);
    for (const lastByte of [2, 3, 4]) setServices(ruleset, new Map([[WEB, [frontend([lastByte])]]]));
    assert.deepEqual(describeTransaction(ruleset.takeTransaction()), [`- ${slot(0)}`, `+ ${slot(0, 4)}`]);
  });
});

suite('elements of several Services', () => {
  const api = (endpoints: Frontend['endpoints']) =>
    frontend([], { address: '10.96.0.11', servicePort: 'default/api', endpoints });

  test('are added once and stay until nobody wants them', () => {
    const ruleset = new Ruleset(PROGRAM);
    const local = [endpoint(1, true)];
    const added = change(ruleset, { [WEB]: [frontend([], { endpoints: local })], 'default/api': [api(local)] });
    assert.equal(added.filter((line) => line.includes('hairpin')).length, 1);
    const removeAll = (key: string) => [change(ruleset, { [key]: [] }), change(ruleset, {}), change(ruleset, {})];
    assert.doesNotMatch(removeAll(WEB).join(), /hairpin/);
    assert.match(removeAll('default/api').join(), /- hairpin 10\.0\.0\.1 \. 10\.0\.0\.1/);
  });

  test('a frontend that passes from one to the other is rewritten, never away', () => {
    const ruleset = serving(1, 2, 3);
    const taken = frontend([3, 4, 5], { servicePort: 'default/older:http' });
    setServices(
      ruleset,
      new Map([
        [WEB, []],
        ['default/older', [taken]],
      ]),
    );
    const { deletes, adds } = ruleset.takeTransaction();
    assert.deepEqual(describeTransaction({ deletes, adds }), [
      `- ${slot(0)}`,
      `- ${slot(1)}`,
      `- ${slot(2)}`,
      `- ${DISPATCH}`,
      `+ ${slot(0, 4)}`,
      `+ ${slot(1, 5)}`,
      `+ ${slot(2, 3)}`,
      `+ ${DISPATCH} : goto pick-tcp-4`,
    ]);
    assert.ok(adds.every(({ comment }) => comment === 'default/older:http'));
    assert.equal(ruleset.hasWaiting, false);
  });
});

suite('a restart', () => {
  test('of an unchanged cluster writes nothing, in whatever order the slots are', () => {
    const before = serving(1, 2, 3);
    change(before, { [WEB]: [frontend([2, 3, 4])] });
    const after = new Ruleset(PROGRAM);
    after.adopt(allElements(before));
    assert.deepEqual(change(after, { [WEB]: [frontend([2, 3, 4])] }), []);
    atOnce(after.dropUnclaimed());
    assert.ok(isEmpty(after.takeTransaction()));
    assert.equal(after.hasWaiting, false);
    assert.equal(after.size, before.size);
  });

  test('writes the difference of a changed one', () => {
    const after = new Ruleset(PROGRAM);
    after.adopt(allElements(serving(1, 2, 3)));
    assert.deepEqual(change(after, { [WEB]: [frontend([1, 2, 3, 4])] }), [`+ ${slot(3, 4)}`]);
  });

  test('removes what nobody wants any more: first what leads there, then the rest', () => {
    const after = new Ruleset(PROGRAM);
    after.adopt(allElements(serving(1)));
    change(after, {});
    atOnce(after.dropUnclaimed());
    assert.deepEqual(describeTransaction(after.takeTransaction()), [`- ${DISPATCH}`]);
    assert.deepEqual(describeTransaction(after.takeTransaction()), [`- ${slot(0)}`]);
    assert.deepEqual(describeTransaction(after.takeTransaction()), [`- ${CLUSTER_IP}`]);
    assert.equal(after.size, 1, 'the pick chain stays');
  });

  test('corrects an element that somebody changed', () => {
    const found = allElements(serving(1)).map((element) =>
      element.container.name === 'services' ? { ...element, value: 'goto pick-tcp-8' } : element,
    );
    const after = new Ruleset(PROGRAM);
    after.adopt(found);
    assert.deepEqual(change(after, { [WEB]: [frontend([1])] }), [`- ${DISPATCH}`, `+ ${DISPATCH} : goto pick-tcp-1`]);
  });

  test('keeps the pod networks that are right', () => {
    const program = buildProgram('ip', { localPods: { by: 'pod-cidrs' } });
    const networks = (cidrs: readonly string[], found: readonly Element[] = []) => {
      const ruleset = new Ruleset(program);
      ruleset.adopt(found);
      ruleset.setNetworks('pod-cidrs', cidrs);
      atOnce(ruleset.dropUnclaimed());
      const lines = [...describeTransaction(ruleset.takeTransaction())];
      return { ruleset, lines: [...lines, ...describeTransaction(ruleset.takeTransaction())] };
    };
    const { ruleset, lines } = networks(['10.244.0.0/16']);
    assert.deepEqual(lines, ['+ pod-cidrs 10.244.0.0/16']);
    assert.deepEqual(networks(['10.244.0.0/16'], allElements(ruleset)).lines, []);
    assert.deepEqual(networks(['10.245.0.0/16'], allElements(ruleset)).lines, [
      '- pod-cidrs 10.244.0.0/16',
      '+ pod-cidrs 10.245.0.0/16',
    ]);
  });
});

suite('an element that nft refused', () => {
  test('is not deleted, since it is not there, and is tried again when it changes', () => {
    const ruleset = serving(1);
    const services = ruleset.program.containers.find(({ name }) => name === 'services');
    assert.ok(services);
    ruleset.refuse({ container: services, key: '10.96.0.10 . tcp . 80' });
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([1])] }), []);
    assert.deepEqual(change(ruleset, { [WEB]: [frontend([1, 2])] }), [
      `+ ${slot(1, 2)}`,
      `+ ${DISPATCH} : goto pick-tcp-2`,
    ]);
  });

  test('is not deleted with its Service', () => {
    const ruleset = serving(1);
    for (const element of allElements(ruleset)) ruleset.refuse(element);
    const lines = [...change(ruleset, { [WEB]: [] })];
    while (ruleset.hasWaiting) lines.push(...change(ruleset, {}));
    assert.deepEqual(lines, []);
    assert.equal(ruleset.size, 1, 'the pick chain stays');
  });
});

suite('a frontend that is withdrawn', () => {
  test('goes though nothing else changes', () => {
    const ruleset = new Ruleset(PROGRAM);
    change(ruleset, { [WEB]: [frontend([], { kind: 'node-port', address: '', port: 30_080 })] });
    ruleset.suspect(' tcp 30080');
    ruleset.withdraw(' tcp 30080');
    assert.equal(ruleset.hasWaiting, true);
    assert.ok(describeTransaction(ruleset.takeTransaction()).includes('- node-ports tcp . 30080'));
  });
});
