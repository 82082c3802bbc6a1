import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createTableReader, type TableContents } from '../../src/nft/table-reader.ts';
import { readTable } from '../../src/nft/tables.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import { stagedProgramText } from '../../src/ruleset/program/program-text.ts';
import { TestKernel } from '../netns/kernel.ts';

const PROGRAM = buildProgram('ip', {});
const TABLE = 'kube-proxy-nft';

function read(...lines: readonly string[]): TableContents {
  const reader = createTableReader(PROGRAM);
  for (const line of [`table ip ${TABLE} {`, ...lines]) reader.line(line);
  return reader.end();
}

function texts({ elements }: TableContents): readonly string[] {
  return elements.map(({ setOrMap, key, value, comment }) => `${setOrMap.name} ${key} : ${value} # ${comment}`);
}

suite('a listing of our table', () => {
  test('gives the rules of each chain as they are printed, and where the kernel calls it', () => {
    const { chains } = read(
      '\tchain nat-prerouting {',
      '\t\tcomment "somebody\'s"',
      '\t\ttype nat hook prerouting priority dstnat; policy accept;',
      '\t\tct direction original jump dispatch',
      '\t}',
      '',
      '\tchain empty {',
      '\t}',
      '\tchain pick-tcp-2 {',
      '\t\tmeta l4proto tcp dnat ip to ip daddr . tcp dport . numgen random mod 2 map @endpoints-tcp',
      '\t\tip saddr { 10.0.0.1, 10.0.0.2,',
      '\t\t\t   10.0.0.3 } drop',
      '\t\tmeta l4proto tcp drop comment "0123456789ab-2"',
      '\t}',
      '}',
    );
    assert.deepEqual(
      [...chains],
      [
        [
          'nat-prerouting',
          {
            kind: 'chain',
            hook: 'type nat hook prerouting priority dstnat; policy accept;',
            rules: ['ct direction original jump dispatch'],
          },
        ],
        ['empty', { kind: 'chain', hook: '', rules: [] }],
        [
          'pick-tcp-2',
          {
            kind: 'chain',
            hook: '',
            rules: [
              'meta l4proto tcp dnat ip to ip daddr . tcp dport . numgen random mod 2 map @endpoints-tcp',
              'ip saddr { 10.0.0.1, 10.0.0.2,',
              'meta l4proto tcp drop comment "0123456789ab-2"',
            ],
          },
        ],
      ],
    );
  });

  test('gives the elements of our sets and maps, and of other sets their names only', () => {
    const found = read(
      '\tmap services {',
      '\t\ttypeof ip daddr . meta l4proto . th dport : verdict',
      '\t\telements = { 10.96.0.10 . 6 . 80 comment "default/web:http" : goto pick-tcp-2,',
      '\t\t\t     10.96.0.11 . udp . 53 comment "default/dns:dns" : goto pick-udp-1 }',
      '\t}',
      '\tset cluster-ips {',
      '\t\ttypeof ip daddr',
      '\t\telements = { 10.96.0.10, 10.96.0.11,',
      '\t\t\t     10.96.0.12 }',
      '\t}',
      '\tmap endpoints-tcp {',
      '\t\ttypeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport',
      '\t}',
      '\tset affinity-1 {',
      '\t\ttype ipv4_addr',
      '\t\tsize 65535',
      '\t\tflags dynamic,timeout',
      '\t\telements = { 10.32.0.9 timeout 3h expires 2h59m59s996ms }',
      '\t}',
      '\tcounter theirs {',
      '\t\tpackets 0 bytes 0',
      '\t}',
      '}',
    );
    assert.deepEqual(texts(found), [
      'services 10.96.0.10 . tcp . 80 : goto pick-tcp-2 # default/web:http',
      'services 10.96.0.11 . udp . 53 : goto pick-udp-1 # default/dns:dns',
      ...['10.96.0.10', '10.96.0.11', '10.96.0.12'].map((address) => `cluster-ips ${address} :  # `),
    ]);
    assert.deepEqual(found.sets, ['services', 'cluster-ips', 'endpoints-tcp', 'affinity-1', 'theirs']);
  });

  test('with an element that we never write is refused, and so is one that was cut', () => {
    const strange = ['\tset cluster-ips {', '\t\telements = { 10.96.0.10 timeout 1s }', '\t}', '}'];
    const message = 'cluster-ips contains an unexpected element: 10.96.0.10 timeout 1s';
    assert.throws(() => read(...strange), { name: 'NftError', failure: 'refused', message });
    assert.throws(() => read('\tset cluster-ips {', '\t}'), { name: 'NftError', failure: 'unknown-outcome' });
  });
});

suite('our table in the kernel', () => {
  test('is read as it is, whatever others put in', async () => {
    using kernel = new TestKernel();
    kernel.load(stagedProgramText(PROGRAM, TABLE));
    kernel.load(`table ip ${TABLE} {
      counter theirs { }
      set theirs { type ipv4_addr; flags interval; elements = { 10.0.0.1-10.0.0.9 comment "a } b, c", 10.1.0.0/16 } }
      chain theirs {
        comment "y"; type filter hook input priority 7; policy accept;
        ip saddr { 10.0.0.1, 10.0.0.2 } counter comment "x"
      }
    }`);
    kernel.byHand('add', 'element', 'ip', TABLE, 'cluster-ips', '{ 10.96.0.10, 10.96.0.11 comment "a } b, c" }');
    const found = await readTable(kernel.nft('ip'), PROGRAM, TABLE);
    assert.deepEqual([...texts(found)].sort(), [
      'cluster-ips 10.96.0.10 :  # ',
      'cluster-ips 10.96.0.11 :  # a } b, c',
    ]);
    const regular = PROGRAM.chains.filter(({ hook }) => hook === undefined);
    assert.deepEqual(
      new Map([...found.chains].map(([name, { rules }]) => [name, rules.length])),
      new Map([[PROGRAM.marker, 0], ...regular.map(({ name, rules }) => [name, rules.length] as const), ['theirs', 1]]),
    );
    assert.deepEqual(found.chains.get('theirs')?.rules, [
      'ip saddr { 10.0.0.1, 10.0.0.2 } counter packets 0 bytes 0 comment "x"',
    ]);
    assert.ok(found.sets.includes('theirs'));
  });

  test('is no table of ours once it contains an unexpected element: nft is ended and the element named', async () => {
    using kernel = new TestKernel();
    kernel.load(stagedProgramText(PROGRAM, TABLE));
    const nft = kernel.nft('ip');
    const elem = [{ elem: { val: '10.96.0.10', comment: 'a"b' } }];
    await nft.apply(
      JSON.stringify({ nftables: [{ add: { element: { family: 'ip', table: TABLE, name: 'cluster-ips', elem } } }] }),
    );
    const reading = readTable(nft, PROGRAM, TABLE);
    await assert.rejects(reading, {
      failure: 'refused',
      message: /^cluster-ips contains an unexpected element: 10\.96\.0\.10 /,
    });
  });

  test('is not found where there is none', async () => {
    using kernel = new TestKernel();
    await assert.rejects(readTable(kernel.nft('ip'), PROGRAM, TABLE), { name: 'NftError', failure: 'not-found' });
  });
});
