import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { printRule } from '../../src/ruleset/nft-json.ts';
import { buildProgram, CAPACITIES, capacityOf, lastDraw, type Program, pickChain } from '../../src/ruleset/program.ts';
import { hookCommands } from '../../src/ruleset/program-json.ts';
import { stagedProgramText } from '../../src/ruleset/program-text.ts';

function rules(program: Program, chain: string): string[] {
  return program.chains.find(({ name }) => name === chain)?.rules.map(printRule) ?? [];
}

suite('the program', () => {
  test('masquerades connections to ClusterIPs as it is told to', () => {
    const clusterIpRules = (masquerade: Parameters<typeof buildProgram>[1]) =>
      rules(buildProgram('ip6', masquerade), 'source-nat').slice(1);
    assert.deepEqual(clusterIpRules('never'), []);
    assert.deepEqual(clusterIpRules('always'), ['ct original ip6 daddr @cluster-ips masquerade fully-random']);
    assert.deepEqual(clusterIpRules('outside-pod-cidrs'), [
      'ct original ip6 daddr @cluster-ips ip6 saddr != @pod-cidrs masquerade fully-random',
    ]);
  });

  test('refuses TCP by reset, the rest by the ICMP of the family', () => {
    assert.deepEqual(rules(buildProgram('ip6', 'never'), 'refuse'), [
      'meta l4proto tcp reject with tcp reset',
      'reject with icmpv6 port-unreachable',
    ]);
  });

  test('picks among all slots several times, and last among those that are always full', () => {
    const program = buildProgram('ip', 'never');
    for (const capacity of CAPACITIES) {
      const draws = rules(program, pickChain('udp', capacity)).map((rule) => Number(/ mod (\d+) /.exec(rule)?.[1]));
      assert.equal(draws[0], capacity);
      assert.equal(draws.at(-1), lastDraw(capacity));
      assert.ok(capacity <= 2 || draws.filter((slots) => slots === capacity).length === 8);
    }
  });

  test('knows a capacity by its verdict, and other verdicts', () => {
    for (const capacity of CAPACITIES) assert.equal(capacityOf(`goto ${pickChain('sctp', capacity)}`), capacity);
    for (const verdict of ['goto refuse', 'drop', '']) assert.equal(capacityOf(verdict), 0);
  });

  test('has a marker of its own for each family and each way to masquerade, and the same one every time', () => {
    const all = () =>
      (['ip', 'ip6'] as const).flatMap((family) =>
        (['always', 'never', 'outside-pod-cidrs'] as const).map(
          (masquerade) => buildProgram(family, masquerade).marker,
        ),
      );
    assert.equal(new Set(all()).size, 6);
    assert.deepEqual(all(), all());
  });

  test('is staged without a base chain, so that no packet reaches it; the hooks come with numbers as priority', () => {
    const program = buildProgram('ip', 'never');
    assert.doesNotMatch(stagedProgramText(program, 'kube-proxy-nft-b'), /hook/);
    const chains = hookCommands(program, 'kube-proxy-nft-b')
      .map((command) => JSON.parse(command))
      .flatMap(({ add }: { add: { chain?: { name: string; prio: unknown; table: string } } }) => add.chain ?? []);
    assert.deepEqual(
      chains.map(({ name, prio, table }) => [name, prio, table]),
      [
        ['filter-input', 0],
        ['filter-forward', 0],
        ['filter-output', 0],
        ['nat-prerouting', -100],
        ['nat-output', -100],
        ['nat-postrouting', 100],
      ].map((row) => [...row, 'kube-proxy-nft-b']),
    );
  });
});
