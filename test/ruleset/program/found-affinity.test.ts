import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ListedChain } from '../../../src/ruleset/elements/chain.ts';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { affinityEndpoints, foundAffinityChains } from '../../../src/ruleset/program/found-affinity.ts';

const PICK = 'service-0123456789-default/web/http/tcp';
const MEMBER = (address: string) => `endpoint-9876543210-default/web/http/tcp__${address}/8080`;
const SET = (address: string) => `affinity-9876543210-default/web/http/tcp__${address}/8080`;

/** As nft 1.0.6 prints them. */
const listed = (address: string, to: string, protocol = 'tcp'): readonly [string, ListedChain] => [
  MEMBER(address),
  {
    hook: '',
    rules: [
      `update @${SET(address)} { ip saddr timeout 3h }`,
      `meta l4proto ${protocol} dnat to ${to} comment "0123456789ab-2"`,
    ],
  },
];

suite('chains of a Service with session affinity', () => {
  const pick = {
    hook: '',
    rules: [
      `ip saddr @${SET('10.0.1.1')} goto ${MEMBER('10.0.1.1')}`,
      `ip saddr @${SET('10.0.1.2')} goto ${MEMBER('10.0.1.2')}`,
      `numgen random mod 2 0 goto ${MEMBER('10.0.1.1')}`,
      'ip saddr 192.0.2.66 accept',
      `goto ${MEMBER('10.0.1.2')} comment "0123456789ab-4"`,
    ],
  };

  test('are read from what nft lists, without what others have added', () => {
    const found = foundAffinityChains(
      'ip',
      new Map<string, ListedChain>([
        [PICK, pick],
        listed('10.0.1.1', '10.0.1.1:8080'),
        listed('10.0.1.2', '10.0.1.2:8080', '6'),
        ['dispatch', { hook: '', rules: ['drop'] }],
      ]),
    );
    const chains = new Map(found.flatMap(({ chain }) => (chain === undefined ? [] : [[chain.name, chain] as const])));
    assert.deepEqual([...chains.keys()], [PICK, MEMBER('10.0.1.1'), MEMBER('10.0.1.2')]);
    assert.equal(chains.get(PICK)?.rules.length, 4);
    assert.deepEqual(affinityEndpoints(PICK, chains), {
      endpoints: [
        ['10.0.1.1', 8080, 1],
        ['10.0.1.2', 8080, 1],
      ],
      seconds: 10_800,
      maxConnections: undefined,
    });
  });

  test('draw by weight', () => {
    const rules = ['10.0.1.1', '10.0.1.2', '10.0.1.3'].map(MEMBER);
    const draws = [
      `numgen random mod 13 < 3 goto ${rules[0]}`,
      `numgen random mod 10 0 goto ${rules[1]}`,
      `goto ${rules[2]}`,
    ];
    const found = foundAffinityChains(
      'ip',
      new Map<string, ListedChain>([
        [PICK, { hook: '', rules: draws }],
        ...['10.0.1.1', '10.0.1.2', '10.0.1.3'].map((address) => listed(address, `${address}:8080`)),
      ]),
    );
    const chains = new Map(found.flatMap(({ chain }) => (chain === undefined ? [] : [[chain.name, chain] as const])));
    assert.deepEqual(chains.get(PICK)?.rules.map(printRule), draws);
    assert.deepEqual(
      affinityEndpoints(PICK, chains).endpoints.map(([, , weight]) => weight),
      [3, 1, 9],
    );
  });

  test('that lead nowhere, or in circles, have no endpoints', () => {
    const circle = foundAffinityChains('ip6', new Map([[PICK, { hook: '', rules: [`goto ${PICK}`, 'goto gone'] }]]));
    const chains = new Map(circle.flatMap(({ chain }) => (chain === undefined ? [] : [[chain.name, chain] as const])));
    assert.deepEqual(affinityEndpoints(PICK, chains), { endpoints: [], seconds: undefined, maxConnections: undefined });
  });
});
