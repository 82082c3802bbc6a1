import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Expression, Statement } from '../../src/ruleset/elements/statement.ts';
import type { TracedPacket } from '../../src/trace/packet.ts';
import { tracePacket } from '../../src/trace/trace-packet.ts';
import { fateIn, packet, type Rules, tracedTable } from './traced-table.ts';

const saddr: Expression = { payload: { protocol: 'ip', field: 'saddr' } };
const iifname: Expression = { meta: { key: 'iifname' } };
const always: Rules = [[{ match: { op: '==', left: { meta: { key: 'l4proto' } }, right: 'tcp' } }]];
const dnat = (addr: string): Rules => [[{ dnat: { family: 'ip', addr, port: 8080 } }]];
const masquerade: Statement = { masquerade: { flags: 'fully-random' } };

/** Every base chain there can be, out of order, with a rule that always matches. */
const everywhere = Object.fromEntries(
  ['postrouting', 'input', 'forward', 'output', 'prerouting'].flatMap((hook) => [
    [`filter ${hook} 0`, always],
    [`filter ${hook} -110`, always],
    [`nat ${hook} -100`, always],
  ]),
);

/** The base chains a packet meets, in order: "prerouting -110". */
function way(changes: Partial<TracedPacket>, chains: Readonly<Record<string, Rules>> = {}): readonly string[] {
  const { outcomes } = tracePacket(tracedTable({ ...everywhere, ...chains }), packet(changes));
  assert.equal(outcomes.length, 1);
  return (outcomes[0]?.steps ?? []).map(({ hook, chain }) => {
    assert.equal(hook, chain.split(' ')[1]);
    return chain.slice(chain.indexOf(' ') + 1);
  });
}

const all = (hook: string) => [`${hook} -110`, `${hook} -100`, `${hook} 0`];
const filters = (hook: string) => [`${hook} -110`, `${hook} 0`];

suite('the hooks a packet meets', () => {
  test('from elsewhere to elsewhere: prerouting, forward, postrouting, by priority', () => {
    assert.deepEqual(way({}), [...all('prerouting'), ...all('forward'), ...all('postrouting')]);
  });

  test('from elsewhere to the node: prerouting, input', () => {
    assert.deepEqual(way({ destination: '192.0.2.1' }), [...all('prerouting'), ...all('input')]);
  });

  test('from the node to elsewhere: output, postrouting', () => {
    assert.deepEqual(way({ source: '192.0.2.1', from: 'node' }), [...all('output'), ...all('postrouting')]);
  });

  test('from the node to itself: output, postrouting, and over lo again, past the chains of NAT', () => {
    const toItself = { source: '127.0.0.1', destination: '127.0.0.1', from: 'node' } as const;
    assert.deepEqual(way(toItself), [
      ...all('output'),
      ...all('postrouting'),
      ...filters('prerouting'),
      ...filters('input'),
    ]);
  });

  test('where it goes is decided by the address after translation', () => {
    const toNode = { 'nat prerouting -100': dnat('192.0.2.1'), 'nat output -100': dnat('192.0.2.1') };
    assert.deepEqual(way({}, toNode).slice(3), all('input'));
    assert.deepEqual(way({ from: 'node' }, toNode).slice(6), [...filters('prerouting'), ...filters('input')]);
    const away = { 'nat prerouting -100': dnat('10.0.0.1') };
    assert.deepEqual(way({ destination: '192.0.2.1' }, away).slice(3, 6), all('forward'));
  });

  test('a connection is translated once each way, also by two chains of one hook', () => {
    const twice = tracedTable({ 'nat prerouting -100': dnat('10.0.0.1'), 'nat prerouting -90': dnat('10.0.0.2') });
    assert.equal(fateIn(twice), '10.0.0.1:8080');
    const both = tracedTable({ 'nat prerouting -100': dnat('10.0.0.1'), 'nat postrouting 100': [[masquerade]] });
    assert.equal(fateIn(both), '10.0.0.1:8080 masqueraded');
  });

  test('over lo the packet has that interface, and the filters can still stop it', () => {
    const table = tracedTable({
      'nat output -100': dnat('127.0.0.1'),
      'filter prerouting 0': [[{ match: { op: '==', left: iifname, right: 'lo' } }, { drop: null }]],
    });
    assert.equal(fateIn(table, { from: 'node' }), 'dropped');
    assert.equal(fateIn(table, { iifname: 'eth0' }), 'untouched');
  });

  test('a forwarded packet has its interface still in postrouting', () => {
    const table = tracedTable({
      'nat postrouting 100': [[{ match: { op: '!=', left: iifname, right: 'veth*' } }, masquerade]],
    });
    assert.equal(fateIn(table, { iifname: 'veth1' }), 'untouched');
    assert.equal(fateIn(table, { iifname: 'eth0' }), '192.0.2.80:80 masqueraded');
  });

  test('what is dropped meets nothing more', () => {
    const stop: Rules = [[{ match: { op: '==', left: saddr, right: '10.244.0.5' } }, { drop: null }]];
    assert.deepEqual(way({}, { 'filter forward -110': stop }), [...all('prerouting'), 'forward -110']);
  });
});
