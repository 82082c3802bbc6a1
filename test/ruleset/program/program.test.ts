import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hookCommands } from '../../../src/nft/json/program-json.ts';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { CAPACITIES, lastDraw } from '../../../src/ruleset/program/pick-chain.ts';
import { buildProgram, type Program } from '../../../src/ruleset/program/program.ts';
import { stagedProgramText } from '../../../src/ruleset/program/program-text.ts';

function rules(program: Program, chain: string): string[] {
  return program.chains.find(({ name }) => name === chain)?.rules.map(printRule) ?? [];
}

suite('the program', () => {
  test('counts nothing where only the clients of node ports are limited', () => {
    const program = buildProgram('ip', { nodePortClients: true });
    const printed = program.chains.flatMap(({ name }) => rules(program, name)).join('\n');
    const names = [...printed.matchAll(/@([a-z0-9-]+)/g)].map(([, name]) => name ?? '');
    assert.ok(names.length > 5);
    const known = program.setsAndMaps.map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => !known.includes(name)),
      [],
      'each set that a rule looks up is there',
    );
  });

  test('masquerades connections to ClusterIPs as it is told to', () => {
    const clusterIpRules = (masquerade: Parameters<typeof buildProgram>[1]) =>
      rules(buildProgram('ip6', masquerade), 'cluster-ip-source-nat');
    assert.deepEqual(clusterIpRules({}), []);
    assert.deepEqual(clusterIpRules({ masqueradeAll: true }), ['masquerade fully-random']);
    assert.deepEqual(clusterIpRules({ localPods: { by: 'pod-cidrs' } }), [
      'ip6 saddr != @pod-cidrs masquerade fully-random',
    ]);
    assert.deepEqual(clusterIpRules({ localPods: { by: 'interface', pattern: 'veth*' } }), [
      'meta iifname != "veth*" masquerade fully-random',
    ]);
  });

  test('refuses TCP by reset, the rest by the ICMP of the family', () => {
    assert.deepEqual(rules(buildProgram('ip6', {}), 'refuse'), [
      'meta l4proto tcp reject with tcp reset',
      'reject with icmpv6 port-unreachable',
    ]);
  });

  test('picks among all slots several times, and last among those that are always full', () => {
    const program = buildProgram('ip', {});
    for (const capacity of CAPACITIES) {
      const chain = program.picks.chainFor('pick', 'udp', capacity).element.chain;
      const draws = (chain?.rules ?? []).map((rule) => Number(/ mod (\d+) /.exec(printRule(rule))?.[1]));
      assert.equal(draws[0], capacity);
      assert.equal(draws.at(-1), lastDraw(capacity));
      assert.ok(capacity <= 2 || draws.filter((slots) => slots === capacity).length === 8);
    }
  });

  test('knows a pick chain by its verdict, and other verdicts', () => {
    const { picks } = buildProgram('ip', {});
    for (const capacity of CAPACITIES) {
      const chain = picks.chainFor('pick-local', 'sctp', capacity);
      assert.equal(picks.byVerdict(`goto pick-local-sctp-${capacity}`), chain);
      assert.equal(chain.capacity, capacity);
    }
    for (const verdict of ['goto refuse', 'drop', '']) assert.equal(picks.byVerdict(verdict), undefined);
  });

  test('refuses packets of unknown connections to Services’ addresses where that is an option, and differs in nothing else', () => {
    for (const family of ['ip', 'ip6'] as const) {
      const [without, program] = [buildProgram(family, {}), buildProgram(family, { resetUnknown: true })];
      const names = new Set(without.chains.map(({ name }) => name));
      const added = program.chains.filter(({ name }) => !names.has(name));
      assert.deepEqual(
        program.chains.filter(({ name }) => names.has(name)),
        without.chains,
      );
      assert.deepEqual(
        added.map(({ name }) => name),
        ['filter-prerouting-unknown', 'filter-output-unknown', 'unknown-connections'],
      );
      assert.deepEqual(rules(program, 'filter-prerouting-unknown'), ['ct state invalid jump unknown-connections']);
      assert.deepEqual(rules(program, 'unknown-connections'), [
        `meta l4proto tcp ${family} daddr @cluster-ips fib daddr type != local reject with tcp reset`,
        `meta l4proto tcp ${family} daddr . meta l4proto . th dport @snat-services reject with tcp reset`,
        `meta l4proto tcp ${family} daddr . meta l4proto . th dport @snat-services-from-node reject with tcp reset`,
      ]);
    }
  });

  test('has no filter hook, unless node ports are served on loopback', () => {
    const filters = (localhostNodePorts: boolean) =>
      buildProgram('ip', { localhostNodePorts }).chains.flatMap(({ hook }) =>
        hook?.type === 'filter' ? hook.hook : [],
      );
    assert.deepEqual(filters(false), []);
    assert.deepEqual(filters(true), ['input']);
  });

  test('has at most 25 chains, the marker among them', () => {
    assert.ok(buildProgram('ip', { localhostNodePorts: true, localPods: { by: 'pod-cidrs' } }).chains.length < 25);
  });

  test('has a marker of its own for each family and each way to masquerade, and the same one every time', () => {
    const all = () =>
      (['ip', 'ip6'] as const).flatMap((family) =>
        [
          {},
          { masqueradeAll: true },
          { localPods: { by: 'pod-cidrs' } as const },
          { localPods: { by: 'interface', pattern: 'veth*' } as const },
        ].map((options) => buildProgram(family, options).marker),
      );
    assert.equal(new Set(all()).size, 8);
    assert.deepEqual(all(), all());
  });

  test('is staged without a base chain, so that no packet reaches it; the hooks come with numbers as priority', () => {
    const program = buildProgram('ip', {});
    assert.doesNotMatch(stagedProgramText(program, 'kube-proxy-nft-b'), /hook/);
    const chains = hookCommands(program, 'kube-proxy-nft-b')
      .map((command) => JSON.parse(command))
      .flatMap(({ add }: { add: { chain?: { name: string; prio: unknown; table: string } } }) => add.chain ?? []);
    assert.deepEqual(
      chains.map(({ name, prio, table }) => [name, prio, table]),
      [
        ['nat-prerouting', -100],
        ['nat-prerouting-untranslated', -90],
        ['nat-output', -100],
        ['nat-output-untranslated', -90],
        ['nat-postrouting', 100],
      ].map((row) => [...row, 'kube-proxy-nft-b']),
    );
  });
});
