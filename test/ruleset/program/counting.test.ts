import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { countedText, parseCounted, parseElements } from '../../../src/ruleset/elements/element-text.ts';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { CountingBudget } from '../../../src/ruleset/model/counting-budget.ts';
import { dumpText } from '../../../src/ruleset/model/dump-text.ts';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { decidingSetsAndMaps, setsAndMapsOf } from '../../../src/ruleset/program/sets-and-maps.ts';
import type { Frontend } from '../../../src/service/frontend.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { frontend } from '../../builders/frontends.ts';
import { elementsOf, programOf } from '../../builders/models.ts';

const PROGRAM = programOf('ip', { connectionCounters: true });

const set = (name: string) => {
  const found = PROGRAM.setsAndMaps.find((setOrMap) => setOrMap.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

/** The sets that count it, each with the keys in it. */
function counting(ruleset: Ruleset): Readonly<Record<string, readonly string[]>> {
  const sets = ruleset.program.setsAndMaps.filter(({ counts }) => counts);
  const found = sets.map((own) => [own.name, [...ruleset.elementsOf(own)].map(({ key }) => key)] as const);
  return Object.fromEntries(found.filter(([, keys]) => keys.length > 0));
}

function setTo(ruleset: Ruleset, wanted: Frontend | undefined, key = 'web'): void {
  atOnce(ruleset.setFrontend(key, wanted));
  do ruleset.takeTransaction();
  while (ruleset.hasWaiting);
}

suite('a program that counts', () => {
  test('counts before the verdict, and where it refuses and drops', () => {
    const rulesOf = (name: string) => PROGRAM.chains.find((chain) => chain.name === name)?.rules.map(printRule);
    assert.deepEqual(rulesOf('dispatch')?.slice(0, 2), [
      'ip daddr . meta l4proto . th dport @connections',
      'ip daddr . meta l4proto . th dport vmap @services',
    ]);
    assert.deepEqual(rulesOf('dispatch-node-ports'), [
      'meta l4proto . th dport @node-port-connections',
      'meta l4proto . th dport vmap @node-ports',
    ]);
    assert.deepEqual(rulesOf('drop-counted'), [
      'ip daddr . meta l4proto . th dport @connections-dropped drop',
      'meta l4proto . th dport @node-port-connections-dropped',
      'drop',
    ]);
    // What is no frontend is refused without being counted: its port may be a node port's number.
    assert.match(rulesOf('cluster-ips-check')?.[0] ?? '', /goto send-refusal$/);
  });

  test('is another one than that which does not, whose sets are the same but for those that count', () => {
    const plain = programOf('ip');
    assert.notEqual(plain.marker, PROGRAM.marker);
    const names = (setsAndMaps: readonly { readonly name: string }[]) => setsAndMaps.map(({ name }) => name);
    assert.deepEqual(names(decidingSetsAndMaps(PROGRAM)), names(plain.setsAndMaps));
    assert.ok(!setsAndMapsOf('ip').some(({ counts }) => counts));
  });
});

suite('what counts a frontend', () => {
  const KEY = '10.96.0.10 . tcp . 80';
  const local = { policy: 'local', hasUsableEndpoints: true } as const;

  test('is there while it is, whatever becomes of its endpoints', () => {
    const ruleset = new Ruleset(PROGRAM);
    setTo(ruleset, frontend([1]));
    assert.deepEqual(counting(ruleset), { connections: [KEY] });
    setTo(ruleset, frontend([]));
    assert.deepEqual(counting(ruleset), { connections: [KEY], 'connections-refused': [KEY] });
    setTo(ruleset, frontend([], local));
    assert.deepEqual(counting(ruleset), {
      connections: [KEY],
      'connections-refused': [KEY],
      'connections-dropped': [KEY],
    });
    atOnce(ruleset.setFrontend('web', frontend([1, 2, 3, 4, 5])));
    const { deletes, adds } = ruleset.takeTransaction();
    assert.deepEqual(
      [...deletes, ...adds].filter(({ setOrMap }) => setOrMap.counts),
      [],
    );
    setTo(ruleset, undefined);
    assert.deepEqual(counting(ruleset), {});
  });

  test('counts those dropped that are not in its source ranges', () => {
    const ruleset = new Ruleset(PROGRAM);
    setTo(ruleset, frontend([1], { kind: 'load-balancer-ip', sourceRanges: ['192.0.2.0/24'] }));
    assert.deepEqual(counting(ruleset), { connections: [KEY], 'connections-dropped': [KEY] });
  });

  test('goes on after a restart, from what is found', () => {
    const ruleset = new Ruleset(PROGRAM);
    setTo(ruleset, frontend([]));
    setTo(ruleset, frontend([1]));
    const again = new Ruleset(PROGRAM);
    again.adopt(elementsOf(ruleset));
    atOnce(again.setFrontend('web', frontend([1])));
    atOnce(again.dropUnreferenced());
    assert.deepEqual(again.takeTransaction(), { deletes: [], adds: [] });
  });

  test('is in the whole dump, and not in that for people, which does the same', () => {
    const ruleset = new Ruleset(PROGRAM);
    setTo(ruleset, frontend([]));
    assert.match(dumpText(ruleset, 't', [], true), /set connections \{\n.*\n\t\tcounter\n\t\telements = \{\n\t+10\.96/);
    const short = dumpText(ruleset, 't', [], false);
    assert.doesNotMatch(short, /connections|counter/);
    assert.match(short, /goto refuse/);
    assert.match(short, /reject with tcp reset/);
  });
});

suite('an element that counts, as nft lists it', () => {
  const text =
    '10.96.0.10 . tcp . 80 counter packets 12 bytes 720 comment "default/web:http",\n\t\t10.96.0.11 . 17 . 53 counter packets 0 bytes 0,';

  test('is read with its number, and without it is the element it was', () => {
    const counted = parseCounted(set('connections'), text) ?? [];
    assert.deepEqual(
      counted.map(({ element: { key, comment }, packets }) => [key, comment, packets]),
      [
        ['10.96.0.10 . tcp . 80', 'default/web:http', 12],
        ['10.96.0.11 . udp . 53', '', 0],
      ],
    );
    assert.deepEqual(
      parseElements(set('connections'), text),
      counted.map(({ element }) => element),
    );
    const stateless = text.replaceAll(/ packets \d+ bytes \d+/g, '');
    assert.deepEqual(parseElements(set('connections'), stateless), parseElements(set('connections'), text));
  });

  test('is written with its number as it is read', () => {
    for (const one of parseCounted(set('connections'), text) ?? []) {
      assert.deepEqual(parseCounted(set('connections'), countedText(one)), [one]);
    }
  });

  test('without a number, or with more of them than elements, is none', () => {
    assert.equal(parseCounted(set('connections'), '10.96.0.10 . tcp . 80 comment "a"'), undefined);
    const forged = '10.96.0.10 . tcp . 80 counter packets 1 bytes 1 comment "x counter packets 9 bytes 9"';
    assert.equal(parseCounted(set('connections'), forged), undefined);
  });
});

suite('how much may count', () => {
  const at = (n: number) => frontend([1], { address: `10.96.0.${n}` });

  /** Frontends by their numbers. */
  function fill(ruleset: Ruleset, from: number, to: number, has = true): void {
    for (let n = from; n <= to; n++) setTo(ruleset, has ? at(n) : undefined, `web-${n}`);
  }

  test('ends where there are too many, of all families, and begins again where there are a third as many', () => {
    const budget = new CountingBudget(12);
    const changes: boolean[] = [];
    budget.tell((isOn) => changes.push(isOn));
    const [ruleset, other] = [
      new Ruleset(PROGRAM, budget),
      new Ruleset(programOf('ip6', { connectionCounters: true }), budget),
    ];
    setTo(other, frontend([1], { address: 'fd00::1' }), 'other');
    fill(ruleset, 1, 11);
    assert.deepEqual([budget.isOn, budget.frontends], [true, 10]);
    fill(ruleset, 12, 13);
    assert.equal(budget.isOn, false);
    // Planned anew, as the listener has it done, each loses what counts it.
    fill(ruleset, 1, 13);
    setTo(other, frontend([1], { address: 'fd00::1' }), 'other');
    assert.deepEqual([counting(ruleset), counting(other)], [{}, {}]);
    fill(ruleset, 4, 13, false);
    assert.equal(budget.isOn, false);
    fill(ruleset, 3, 3);
    assert.equal(budget.isOn, true);
    assert.deepEqual(changes, [false, true]);
  });

  test('does not go back and forth, though each frontend is counted in every set', () => {
    const budget = new CountingBudget(12);
    const changes: boolean[] = [];
    budget.tell((isOn) => changes.push(isOn));
    const ruleset = new Ruleset(PROGRAM, budget);
    fill(ruleset, 1, 13);
    for (let round = 0; round < 3; round++) {
      for (let n = 1; n <= 13; n++) {
        const key = `web-${n}`;
        if (n > 4) setTo(ruleset, undefined, key);
        else for (const is of [frontend([], { address: `10.96.0.${n}` }), at(n)]) setTo(ruleset, is, key);
      }
    }
    assert.deepEqual(changes, [false, true]);
  });
});
