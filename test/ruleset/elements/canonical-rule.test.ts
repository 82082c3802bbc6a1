import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FAMILIES } from '../../../src/ip.ts';
import { hookCommands } from '../../../src/nft/json/program-json.ts';
import { document } from '../../../src/nft/json/transaction-json.ts';
import { readTable } from '../../../src/nft/tables.ts';
import { canonicalRule } from '../../../src/ruleset/elements/canonical-rule.ts';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { buildProgram, type ProgramOptions } from '../../../src/ruleset/program/program.ts';
import { stagedProgramText } from '../../../src/ruleset/program/program-text.ts';
import { TestKernel } from '../../netns/kernel.ts';

const TABLE = 'kube-proxy-nft';

const EVERY_OPTION: readonly ProgramOptions[] = [
  { localPods: { by: 'pod-cidrs', comeLater: true }, localhostNodePorts: true, resetUnknown: true },
  { connectionCounters: true, nodePortClients: true },
  { localPods: { by: 'interface', pattern: 'veth*' }, masqueradeAll: true },
];

suite('the canonical form of a rule', () => {
  for (const family of FAMILIES) {
    test(`is the same for what we write and what nft prints, for every rule of the program (${family})`, async () => {
      for (const options of EVERY_OPTION) {
        using kernel = new TestKernel();
        const nft = kernel.nft(family);
        const program = buildProgram(family, options);
        await nft.load(stagedProgramText(program, TABLE));
        await nft.apply(document(hookCommands(program, TABLE)));
        const { chains } = await readTable(nft, program, TABLE);
        for (const { name, rules } of program.chains) {
          assert.deepEqual(
            chains.get(name)?.rules.map(canonicalRule),
            rules.map((rule) => canonicalRule(printRule(rule))),
          );
        }
      }
    });
  }

  /** As nft 1.0.6, 1.1.3 and 1.1.7 print them; without /etc/protocols by number. */
  const equal: readonly [printed: string, ours: string][] = [
    ['meta l4proto 6 dnat to 10.0.0.1:80 comment "0-2"', 'meta l4proto tcp dnat ip to 10.0.0.1:80'],
    ['meta l4proto 17 dnat to [fd01::1]:53', 'meta l4proto udp dnat ip6 to [fd01::1]:53'],
    ['meta l4proto { 6, 17, 132 } masquerade', 'meta l4proto { tcp, udp, sctp } masquerade'],
    ['update @a { ip saddr timeout 1d3h46m40s }', 'update @a { ip saddr timeout 100000s }'],
    ['ip6 daddr ::1 drop', 'ip6 daddr ::1/128 drop'],
    ['ip6 daddr != ::1 drop', 'ip6 daddr != ::1/128 drop'],
  ];
  for (const [printed, ours] of equal) {
    test(`is the same for "${printed}" and "${ours}"`, () => {
      assert.equal(canonicalRule(printed), canonicalRule(ours));
    });
  }

  const different: readonly [string, string][] = [
    ['drop', 'accept'],
    ['ip daddr @cluster-ips goto refuse', 'ip daddr != @cluster-ips goto refuse'],
    ['meta l4proto tcp dnat to 10.0.0.1:80', 'meta l4proto udp dnat to 10.0.0.1:80'],
    ['meta l4proto tcp dnat to 10.0.0.1:80', 'dnat to 10.0.0.1'],
    ['update @a { ip saddr timeout 3h }', 'update @a { ip saddr timeout 3m }'],
    ['reject with tcp reset', 'reject'],
    ['counter packets 1 bytes 2 drop', 'drop'],
  ];
  for (const [one, other] of different) {
    test(`differs for "${one}" and "${other}"`, () => {
      assert.notEqual(canonicalRule(one), canonicalRule(other));
    });
  }
});
