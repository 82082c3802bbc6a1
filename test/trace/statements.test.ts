import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { randomSlot } from '../../src/ruleset/elements/packet-fields.ts';
import type { Expression, Operand, Statement } from '../../src/ruleset/elements/statement.ts';
import { tracePacket } from '../../src/trace/trace-packet.ts';
import { type Data, fateIn, fates, packet, type Rules, shares, tracedTable } from './traced-table.ts';

const saddr: Expression = { payload: { protocol: 'ip', field: 'saddr' } };
const daddr: Expression = { payload: { protocol: 'ip', field: 'daddr' } };
const dport: Expression = { payload: { protocol: 'th', field: 'dport' } };
const l4proto: Expression = { meta: { key: 'l4proto' } };
const iifname: Expression = { meta: { key: 'iifname' } };
const drop: Statement = { drop: null };
const masquerade: Statement = { masquerade: { flags: 'fully-random' } };
const goTo = (target: string): Statement => ({ goto: { target } });
const jump = (target: string): Statement => ({ jump: { target } });
const match = (left: Expression, right: Operand, op: '==' | '!=' | 'in' = '=='): Statement => ({
  match: { op, left, right },
});
const dnat = (addr: string, port: number): Statement => ({ dnat: { family: 'ip', addr, port } });
const dnatBy = (data: string, ...key: Expression[]): Statement => ({
  dnat: { family: 'ip', addr: { map: { key: { concat: key }, data } } },
});

/** What a prerouting filter with the one rule `left op right drop` does. */
function matches(left: Expression, right: Operand, op?: '!=', data: Readonly<Record<string, Data>> = {}) {
  const table = tracedTable({ 'filter prerouting 0': [[match(left, right, op), drop]] }, data);
  return (changes: Parameters<typeof packet>[0] = {}) => fateIn(table, changes) === 'dropped';
}

/** The shares of the fates under a nat chain in prerouting. */
function natShares(
  rules: Rules,
  more: Readonly<Record<string, Rules>> = {},
  data: Readonly<Record<string, Data>> = {},
) {
  return shares(tracePacket(tracedTable({ 'nat prerouting -100': rules, ...more }, data), packet()));
}

suite('a match', () => {
  test('compares fields with words, numbers, networks and lists', () => {
    assert.equal(matches(l4proto, 'tcp')(), true);
    assert.equal(matches(l4proto, 'udp')(), false);
    assert.equal(matches(l4proto, 'udp', '!=')(), true);
    assert.equal(matches(dport, 80)(), true);
    assert.equal(matches(dport, 81)(), false);
    assert.equal(matches(l4proto, { set: ['udp', 'tcp'] })(), true);
    assert.equal(matches(l4proto, { set: ['udp', 'sctp'] })(), false);
    const inNetwork = matches(saddr, { prefix: { addr: '10.244.0.0', len: 16 } });
    assert.deepEqual([inNetwork(), inNetwork({ source: '10.245.0.1' })], [true, false]);
    assert.equal(matches(saddr, { prefix: { addr: '10.244.0.0', len: 16 } }, '!=')(), false);
  });

  test('does not match, either way, where the packet has no such field', () => {
    for (const op of [undefined, '!='] as const) {
      assert.equal(matches(dport, 80, op)({ protocol: 'icmp' }), false);
      assert.equal(matches({ payload: { protocol: 'udp', field: 'dport' } }, 80, op)(), false);
      assert.equal(
        matches(dport, '@ports', op, { ports: { types: ['port'], elements: {} } })({ protocol: 'icmp' }),
        false,
      );
    }
    assert.equal(matches({ payload: { protocol: 'tcp', field: 'dport' } }, 80)(), true);
  });

  test('knows interfaces by name and by pattern; what the node makes has none', () => {
    const veth = matches(iifname, 'veth*');
    assert.deepEqual([veth({ iifname: 'veth12' }), veth({ iifname: 'eth0' })], [true, false]);
    const eth = matches(iifname, 'eth0', '!=');
    assert.deepEqual([eth({ iifname: 'eth0' }), eth({ iifname: 'eth01' })], [false, true]);
    const out = tracedTable({ 'filter output 0': [[match(iifname, 'veth*', '!='), drop]] });
    assert.equal(fateIn(out, { from: 'node' }), 'dropped');
    assert.throws(() => veth(), { code: 'E_USAGE', message: /name the one it comes in over/ });
  });

  test('knows which addresses are local: those named, whatever their spelling, and loopback', () => {
    const fromLocal = matches({ fib: { result: 'type', flags: ['saddr'] } }, 'local');
    const toLocal = matches({ fib: { result: 'type', flags: ['daddr'] } }, 'local');
    assert.deepEqual(
      [fromLocal(), fromLocal({ source: '192.0.2.1' }), fromLocal({ source: '127.9.9.9' })],
      [false, true, true],
    );
    assert.deepEqual([toLocal({ destination: '192.0.2.1' }), toLocal({ destination: '192.0.2.2' })], [true, false]);
    const v6 = tracedTable(
      { 'filter prerouting 0': [[match({ fib: { result: 'type', flags: ['daddr'] } }, 'local'), drop]] },
      {},
      'ip6',
    );
    const v6Packet = { source: 'fd00::5', own: ['2001:DB8:0::1', 'fe80::1%eth0'] };
    assert.equal(fateIn(v6, { ...v6Packet, destination: '2001:db8::1' }), 'dropped');
    assert.equal(fateIn(v6, { ...v6Packet, destination: '2001:db8::2' }), 'untouched');
    assert.equal(fateIn(v6, { ...v6Packet, destination: '0:0::1' }), 'dropped');
    assert.equal(fateIn(v6, { ...v6Packet, destination: '2001:DB8::01' }), 'dropped');
  });

  test('looks into sets, by one field or several, and into sets of networks', () => {
    const pairs = { pairs: { types: ['address', 'port'], elements: { '192.0.2.80 . 80': '' } } } as const;
    const inPairs = matches({ concat: [daddr, dport] }, '@pairs', undefined, pairs);
    assert.deepEqual([inPairs(), inPairs({ port: 81 })], [true, false]);
    assert.equal(matches({ concat: [daddr, dport] }, '@pairs', '!=', pairs)({ port: 81 }), true);
    const nets = { nets: { types: ['cidr'], elements: { '10.1.0.0/16': '', '10.244.0.5/32': '' } } } as const;
    const inNets = matches(saddr, '@nets', undefined, nets);
    assert.deepEqual(
      [inNets(), inNets({ source: '10.1.255.1' }), inNets({ source: '10.244.0.6' })],
      [true, true, false],
    );
  });

  test('looks into sets whose last field is a network, for the fields before it', () => {
    const ranges: Data = {
      types: ['address', 'port', 'cidr'],
      elements: { '192.0.2.80 . 80 . 10.244.0.0/24': '', '192.0.2.8 . 80 . 10.0.0.0/8': '' },
    };
    const inRanges = matches({ concat: [daddr, dport, saddr] }, '@ranges', undefined, { ranges });
    assert.deepEqual([inRanges(), inRanges({ source: '10.244.1.5' }), inRanges({ port: 8 })], [true, false, false]);
  });

  test('knows state and status of the connection', () => {
    const state: Expression = { ct: { key: 'state' } };
    const status: Expression = { ct: { key: 'status' } };
    const table = (translate: Rules) =>
      tracedTable({
        'filter prerouting -150': [[match(state, 'established', 'in'), drop]],
        'nat prerouting -100': translate,
        'filter forward 0': [[match(state, 'new', 'in'), match(status, 'dnat', 'in'), drop]],
      });
    assert.equal(fateIn(table([[dnat('10.0.0.1', 8080)]])), 'dropped');
    assert.equal(fateIn(table([])), 'untouched');
    assert.equal(fateIn(table([[dnat('192.0.2.80', 80)]])), '192.0.2.80:80', 'to where it goes anyway');
    assert.equal(fateIn(table([[dnat('192.0.2.80', 81)]])), 'dropped');
  });

  test('knows what a translated connection was addressed to', () => {
    const original = (key: string): Expression => ({ ct: { key, dir: 'original' } });
    const forward = (...rule: Statement[]) =>
      tracedTable({ 'nat prerouting -100': [[dnat('10.0.0.1', 8080)]], 'filter forward 0': [[...rule, drop]] });
    assert.equal(
      fateIn(forward(match(original('ip daddr'), '192.0.2.80'), match(original('proto-dst'), 80))),
      'dropped',
    );
    assert.equal(fateIn(forward(match(daddr, '192.0.2.80'))), '10.0.0.1:8080');
    assert.equal(fateIn(forward(match(daddr, '10.0.0.1'), match(dport, 8080))), 'dropped');
  });
});

suite('a verdict', () => {
  test('jump comes back to the next rule, goto to the caller of the chain it was in', () => {
    const table = (verdict: Statement) =>
      tracedTable({
        'filter prerouting 0': [[jump('outer')], [match(dport, 81), drop]],
        outer: [[verdict], [match(dport, 80), drop]],
        inner: [[match(dport, 79), drop]],
      });
    assert.deepEqual(
      [79, 80, 81, 82].map((port) => fateIn(table(jump('inner')), { port })),
      ['dropped', 'dropped', 'dropped', 'untouched'],
    );
    assert.deepEqual(
      [79, 80, 81].map((port) => fateIn(table(goTo('inner')), { port })),
      ['dropped', 'untouched', 'dropped'],
    );
  });

  test('goto out of a base chain ends it', () => {
    const table = tracedTable({ 'filter prerouting 0': [[goTo('empty')], [drop]], empty: [] });
    assert.equal(fateIn(table), 'untouched');
  });

  test('reject says how; a reset is for TCP only', () => {
    const rules: Rules = [
      [{ reject: { type: 'tcp reset' } }],
      [{ reject: { type: 'icmp', expr: 'port-unreachable' } }],
    ];
    const table = tracedTable({ 'filter forward 0': rules });
    assert.equal(fateIn(table), 'tcp reset');
    assert.equal(fateIn(table, { protocol: 'udp' }), 'port-unreachable');
  });

  test('comes from a map where it has the key, else the next rule is tried', () => {
    const data: Record<string, Data> = {
      verdicts: {
        types: ['port'],
        elements: { '80': 'goto dropping', '81': 'drop', '82': 'jump dropping', '83': 'accept' },
      },
    };
    const table = tracedTable(
      {
        'filter forward 0': [[{ vmap: { key: dport, data: '@verdicts' } }], [{ reject: { type: 'tcp reset' } }]],
        dropping: [[drop]],
      },
      data,
    );
    assert.deepEqual(
      [80, 81, 82, 84].map((port) => fateIn(table, { port })),
      ['dropped', 'dropped', 'dropped', 'tcp reset'],
    );
    assert.equal(fateIn(table, { protocol: 'icmp' }), 'untouched', 'no port to look up, and no reset for ICMP');
    assert.throws(() => fateIn(table, { port: 83 }), { code: 'E_INTERNAL', message: /through accept:/ });
  });
});

suite('a translation', () => {
  const slots = (n: number): Data => ({
    types: ['port', 'slot'],
    elements: Object.fromEntries(Array.from({ length: n }, (_, slot) => [`80 . ${slot}`, `10.0.0.${slot + 1} . 8080`])),
  });

  test('by a map goes where the slot says; an empty slot is a miss and the next rule draws again', () => {
    assert.deepEqual(natShares([[dnatBy('@m', dport, randomSlot(2))]], {}, { m: slots(2) }), {
      '10.0.0.1:8080': 50,
      '10.0.0.2:8080': 50,
    });
    assert.deepEqual(natShares([[dnatBy('@m', dport, randomSlot(4))]], {}, { m: slots(3) }), {
      '10.0.0.1:8080': 25,
      '10.0.0.2:8080': 25,
      '10.0.0.3:8080': 25,
      untouched: 25,
    });
    const again: Rules = [[dnatBy('@m', dport, randomSlot(4))], [dnatBy('@m', dport, randomSlot(2))]];
    assert.deepEqual(natShares(again, {}, { m: slots(3) }), {
      '10.0.0.1:8080': 37.5,
      '10.0.0.2:8080': 37.5,
      '10.0.0.3:8080': 25,
    });
  });

  test('counts slots with the same endpoint together', () => {
    const elements = { '80 . 0': '10.0.0.1 . 8080', '80 . 1': '10.0.0.2 . 8080', '80 . 2': '10.0.0.1 . 8080' };
    assert.deepEqual(
      natShares([[dnatBy('@m', dport, randomSlot(3))]], {}, { m: { types: ['port', 'slot'], elements } }),
      {
        '10.0.0.1:8080': 66.667,
        '10.0.0.2:8080': 33.333,
      },
    );
  });

  test('ends its base chain, not the hook', () => {
    const table = tracedTable({
      'nat prerouting -100': [[jump('translate')], [drop]],
      translate: [[dnat('10.0.0.1', 8080)], [drop]],
      'filter prerouting 0': [[match(dport, 8080), match(saddr, '10.244.0.6'), drop]],
    });
    assert.equal(fateIn(table), '10.0.0.1:8080');
    assert.equal(fateIn(table, { source: '10.244.0.6' }), 'dropped');
  });

  test('of the source is told, with that of the destination or without', () => {
    assert.equal(fateIn(tracedTable({ 'nat postrouting 100': [[masquerade], [drop]] })), '192.0.2.80:80 masqueraded');
  });

  test('by a draw that is compared: one in three, of the rest one in two, the rest', () => {
    const chain = (n: number): Rules => [[dnat(`10.0.0.${n}`, 8080)]];
    const cascade = [[match(randomSlot(3), 0), goTo('a')], [match(randomSlot(2), 0), goTo('b')], [goTo('c')]];
    assert.deepEqual(natShares(cascade, { a: chain(1), b: chain(2), c: chain(3) }), {
      '10.0.0.1:8080': 33.333,
      '10.0.0.2:8080': 33.333,
      '10.0.0.3:8080': 33.333,
    });
    assert.deepEqual(natShares([[match(randomSlot(4), 0, '!='), drop]]), { dropped: 75, untouched: 25 });
    assert.deepEqual(natShares([[match(randomSlot(4), 4), drop]]), { untouched: 100 }, 'never drawn');
  });

  test('gives each fate once, the likeliest first, however many ways lead there', () => {
    const table = tracedTable({
      'nat prerouting -100': [
        [match(randomSlot(4), 0), drop],
        [match(randomSlot(3), 0), dnat('10.0.0.1', 80)],
      ],
      'filter forward 0': [[match(daddr, '10.0.0.1'), drop]],
    });
    const trace = tracePacket(table, packet());
    assert.deepEqual(
      trace.outcomes.map(({ fate, probability }) => [fate, Number(probability.toFixed(6))]),
      [
        ['dropped', 0.5],
        ['untouched', 0.5],
      ],
    );
    const seldom = tracedTable({ 'nat prerouting -100': [[match(randomSlot(10), 0), drop]] });
    assert.deepEqual(fates(tracePacket(seldom, packet())), ['untouched', 'dropped']);
  });

  test('does not multiply draws: a packet that comes back from each is one packet', () => {
    const rules: Rules = Array.from({ length: 64 }, () => [match(randomSlot(2), 0), jump('back')]);
    assert.deepEqual(natShares([...rules, [match(randomSlot(5), 0), drop]], { back: [] }), {
      untouched: 80,
      dropped: 20,
    });
  });
});

suite('sets that rules write to', () => {
  const update: Statement = {
    set: { op: 'update', elem: { elem: { val: saddr, timeout: 10_800 } }, set: '@clients-a' },
  };
  const table = tracedTable({
    'nat prerouting -100': [
      [match(saddr, '@clients-a'), goTo('a')],
      [match(randomSlot(2), 0), goTo('a')],
      [dnat('10.0.0.2', 80)],
    ],
    a: [[update], [dnat('10.0.0.1', 80)]],
  });

  test('hold whom the caller says, and nobody without that', () => {
    assert.deepEqual(shares(tracePacket(table, packet())), { '10.0.0.1:80': 50, '10.0.0.2:80': 50 });
    const sets: string[] = [];
    const pinned = (set: string) => sets.push(set) > 0;
    assert.deepEqual(shares(tracePacket(table, packet(), pinned)), { '10.0.0.1:80': 100 });
    assert.deepEqual(sets, ['clients-a']);
  });

  test('are written on the way', () => {
    const outcome = tracePacket(table, packet()).outcomes.find(
      (one) => 'endpoint' in one && one.endpoint === '10.0.0.1:80',
    );
    assert.deepEqual(
      outcome?.steps.map(({ chain, rule }) => `${chain}: ${rule}`),
      [
        'nat prerouting -100: numgen random mod 2 0 goto a',
        'a: update @clients-a { ip saddr timeout 10800s }',
        'a: dnat ip to 10.0.0.1:80',
      ],
    );
  });
});

test('a counter lets packets by', () => {
  const table = tracedTable({ 'filter prerouting 0': [[match(dport, 80), { counter: null }, drop]] });
  assert.equal(fateIn(table), 'dropped');
  assert.equal(fateIn(table, { port: 81 }), 'untouched');
});

suite('what the tracer does not know', () => {
  const unknown = (rule: unknown) =>
    tracedTable({ 'filter forward 0': [rule as Statement[]] }, { m: { types: ['port', 'slot'], elements: {} } });
  const rules: readonly (readonly [string, unknown])[] = [
    ['a statement', [{ queue: { num: 1 } }]],
    ['a way to write to a set', [{ set: { op: 'delete', elem: { elem: { val: saddr, timeout: 1 } }, set: '@s' } }]],
    ['a comparison', [{ match: { op: '>', left: dport, right: 80 } }]],
    ['a field', [match({ payload: { protocol: 'th', field: 'sport' } }, 80)]],
    ['a field of the other family', [match({ payload: { protocol: 'ip6', field: 'saddr' } }, 'fd00::1')]],
    ['a meta key', [match({ meta: { key: 'mark' } }, 1)]],
    ['a key of the connection', [match({ ct: { key: 'mark' } }, 1)]],
    ['flags of the connection', [match({ ct: { key: 'label' } }, 'x', 'in')]],
    ['a type of address', [match({ fib: { result: 'type', flags: ['daddr'] } }, 'broadcast')]],
    ['an expression', [match({ jhash: { mod: 2 } } as unknown as Expression, 0)]],
    ['a set', [match(saddr, '@nowhere')]],
    ['a map', [{ vmap: { key: dport, data: '@nowhere' } }]],
    ['a key with two draws', [dnatBy('@m', randomSlot(2), randomSlot(2))]],
    ['a key of another length', [match({ concat: [dport, dport, dport] }, '@m')]],
    ['a translation to the other family', [{ dnat: { family: 'ip6', addr: 'fd00::1', port: 80 } }]],
    ['a chain', [jump('nowhere')]],
  ];
  for (const [name, rule] of rules) {
    test(`is no trace: ${name}`, () => {
      assert.throws(() => fateIn(unknown(rule)), { code: 'E_INTERNAL', message: /^cannot trace through .+: / });
    });
  }

  test('is no trace: a base chain elsewhere', () => {
    assert.throws(() => fateIn(tracedTable({ 'filter ingress 0': [] })), { code: 'E_INTERNAL' });
  });

  test('is no trace: chains in a circle', () => {
    const table = tracedTable({ 'filter forward 0': [[jump('a')]], a: [[goTo('b')]], b: [[jump('a')]] });
    assert.throws(() => fateIn(table), { code: 'E_INTERNAL', message: /levels deep/ });
  });
});

suite('a packet', () => {
  const table = tracedTable({});
  test('has addresses of the family, and a port where its protocol has ports', () => {
    assert.throws(() => fateIn(table, { source: 'fd00::1' }), { code: 'E_USAGE', message: /"fd00::1": give IPv4/ });
    assert.throws(() => fateIn(table, { destination: 'web' }), { code: 'E_USAGE', message: /"web"/ });
    for (const port of [undefined, -1, 65_536, 1.5]) assert.throws(() => fateIn(table, { port }), { code: 'E_USAGE' });
    assert.equal(fateIn(table, { protocol: 'icmp', port: undefined }), 'untouched');
  });
});
