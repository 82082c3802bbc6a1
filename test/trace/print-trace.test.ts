import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { randomSlot } from '../../src/ruleset/elements/packet-fields.ts';
import type { Statement } from '../../src/ruleset/elements/statement.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import { atOnce } from '../../src/service/steps.ts';
import type { TracedPacket } from '../../src/trace/packet.ts';
import { outcomeLines, packetText, ruleLines } from '../../src/trace/print-trace.ts';
import { type Trace, tracePacket } from '../../src/trace/trace-packet.ts';
import { traceReport } from '../../src/trace/trace-report.ts';
import { tracedRuleset } from '../../src/trace/traced-ruleset.ts';
import { endpoint, frontend } from '../builders/frontends.ts';
import { rulesetFor } from '../builders/rulesets.ts';
import { packet as tracedPacket, tracedTable } from './traced-table.ts';

function printTrace(trace: Trace): string {
  const report = atOnce(traceReport(trace));
  return [packetText(trace.packet), ...outcomeLines(report), ...ruleLines(report), ''].join('\n');
}

function printed(one: Frontend, changes: Partial<TracedPacket> = {}, pinned?: (set: string) => boolean): string {
  const ruleset = rulesetFor([one], { localPods: { by: 'pod-cidrs' } });
  ruleset.setNetworks('pod-cidrs', ['10.0.0.0/24']);
  ruleset.takeTransaction();
  const packet = { source: '10.0.0.2', destination: '10.96.0.10', protocol: 'tcp', port: 80, own: ['192.0.2.1'] };
  return printTrace(tracePacket(tracedRuleset(ruleset), { ...packet, from: 'pod', ...changes }, pinned));
}

suite('a printed trace', () => {
  test('has the fates on top, then the rules of all of them once', () => {
    const text = printed(frontend([], { endpoints: [endpoint(1), endpoint(2, true), endpoint(3)] }));
    assert.equal(
      text,
      `tcp 10.0.0.2 → 10.96.0.10:80, from a pod
 33.3%  to 10.0.0.1:8080
 33.3%  to 10.0.0.2:8080, with the node's address as source
 33.3%  to 10.0.0.3:8080

prerouting
  nat-prerouting: ct direction original jump dispatch
  dispatch: ip daddr . meta l4proto . th dport vmap @services → 10.96.0.10 . tcp . 80 : goto pick-tcp-4 (default/web:http)
  pick-tcp-4: meta l4proto tcp dnat ip to ip daddr . tcp dport . numgen random mod 4 map @endpoints-tcp → one of 3 (default/web:http)

postrouting
  nat-postrouting: ct status dnat jump source-nat
  source-nat: ct original ip daddr @cluster-ips goto cluster-ip-source-nat  [66.7%]
  source-nat: ip saddr . ip daddr @hairpin masquerade fully-random  [33.3%]
`,
    );
  });

  test('says where a packet comes from, its fate, and what was looked for in vain', () => {
    const text = printed(frontend([1]), { port: 81, from: 'outside', iifname: 'eth0', source: '198.51.100.9' });
    assert.match(
      text,
      /^tcp 198\.51\.100\.9 → 10\.96\.0\.10:81, from outside over eth0\n {2}100% {2}rejected with tcp reset\n\nprer/,
    );
    assert.match(text, /\n {2}dispatch: .* vmap @services → nothing for 10\.96\.0\.10 \. tcp \. 81\n/);
    assert.match(text, /\n {2}refuse: meta l4proto tcp reject with tcp reset\n$/);
    const untouched = printed(frontend([1]), { protocol: 'icmp', destination: '10.0.0.9', from: 'node' });
    assert.match(
      untouched,
      /^icmp 10\.0\.0\.2 → 10\.0\.0\.9, from the node itself\n {2}100% {2}untouched by this table\n\noutput\n/,
    );
    assert.match(printed(frontend([1])), /^[^\n]+\n {2}100% {2}to 10\.0\.0\.1:8080\n/);
    const inRanges: Partial<Frontend> = { kind: 'load-balancer-ip', sourceRanges: ['198.51.100.0/24'] };
    assert.match(
      printed(frontend([1], inRanges)),
      / {2}dropped\n(?:.*\n)* {2}dispatch: .*\(default\/web:http\)\n {2}source-ranges-check: .* drop\n$/,
    );
  });

  test('tells how many connections meet the rules of each endpoint, in the order of the rules', () => {
    const lines = printed(frontend([1, 2, 3], { affinitySeconds: 600 })).split('\n');
    const drawn = lines.filter((line) => /numgen|update|dnat ip| goto endpoint/.test(line));
    assert.deepEqual(
      drawn.map((line) => [/(numgen random mod \d 0|goto|update|dnat)/.exec(line)?.[1], /\[.*\]$/.exec(line)?.[0]]),
      [
        ...[
          'numgen random mod 3 0',
          'update',
          'dnat',
          'numgen random mod 2 0',
          'update',
          'dnat',
          'goto',
          'update',
          'dnat',
        ],
      ].map((what) => [what, '[33.3%]']),
    );
    assert.ok(lines.indexOf(drawn.at(-1) ?? '') < lines.indexOf('postrouting'));
    assert.equal(lines.filter((line) => line.includes('nat-postrouting: ')).length, 1);
    assert.ok(
      lines.some((line) => / {2}nat-postrouting: ct status dnat jump source-nat$/.test(line)),
      'all meet it',
    );
  });

  test('is of bounded length', () => {
    const many = Array.from({ length: 250 }, (_, n) => n);
    const drawn = printed(frontend(many)).split('\n');
    assert.ok(drawn.includes('and 230 more'));
    const pinned = printed(frontend(many, { affinitySeconds: 600 }));
    assert.ok(pinned.split('\n').length < 100);
    assert.match(pinned, /\nand \d+ more rules that fewer connections meet\n/);
    assert.match(
      pinned,
      /\npostrouting\n {2}nat-postrouting: ct status dnat jump source-nat\n/,
      'the common ones are kept',
    );
  });

  test('does not round to none or all what is neither', () => {
    const text = printed(frontend(Array.from({ length: 1500 }, (_, n) => n)));
    assert.match(text, /^ {2}0\.1% {2}to/m);
    const seldom: Statement = { match: { op: '==', left: randomSlot(3000), right: 0 } };
    const table = tracedTable({ 'filter forward 0': [[seldom, { drop: null }]] });
    assert.match(
      printTrace(tracePacket(table, tracedPacket())),
      /\n>99\.9% {2}untouched by this table\n <0\.1% {2}dropped\n/,
    );
    assert.match(printed(frontend(Array.from({ length: 2100 }, (_, n) => n))), /^ <0\.1% {2}to/m);
  });
});
