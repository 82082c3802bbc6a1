import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseFlow } from '../../src/conntrack/flows.ts';

/** Lines as conntrack 1.4.7 (Debian 12) and 1.4.8 (Debian 13) printed them, which is the same. */
const LINES: readonly (readonly [string, string, string])[] = [
  [
    'a flow without an answer',
    'udp      17 99 src=10.0.0.1 dst=10.96.0.10 sport=1000 dport=53 [UNREPLIED] src=10.32.0.5 dst=10.0.0.1 sport=5353 dport=1000 mark=0 use=1',
    '10.0.0.1 10.96.0.10 53 10.32.0.5 5353',
  ],
  [
    'an assured flow with a mark in a zone',
    'udp      17 99 src=10.0.0.1 dst=10.96.0.10 sport=1001 dport=53 src=10.32.0.6 dst=10.0.0.1 sport=5353 dport=1001 [ASSURED] mark=5 zone=3 use=1',
    '10.0.0.1 10.96.0.10 53 10.32.0.6 5353',
  ],
  [
    'a flow with counters and a zone of one direction',
    'udp      17 99 src=10.0.0.1 dst=10.96.0.10 sport=1001 dport=53 zone-orig=5 packets=0 bytes=0 [UNREPLIED] src=10.32.0.5 dst=10.0.0.1 sport=5353 dport=1001 packets=0 bytes=0 mark=0 use=1',
    '10.0.0.1 10.96.0.10 53 10.32.0.5 5353',
  ],
  [
    'an IPv6 flow',
    'udp      17 99 src=fd00::1 dst=fd00:96::10 sport=1003 dport=53 [UNREPLIED] src=fd00:32::6 dst=fd00::1 sport=5353 dport=1003 mark=0 use=1',
    'fd00::1 fd00:96::10 53 fd00:32::6 5353',
  ],
  [
    'an IPv6 flow with a dotted tail, in our own form',
    'udp      17 99 src=::10.0.0.9 dst=::ffff:10.96.0.10 sport=1003 dport=53 src=::10.32.0.6 dst=::10.0.0.9 sport=5353 dport=1003 [ASSURED] mark=0 use=1',
    '::a00:9 ::ffff:a60:a 53 ::a20:6 5353',
  ],
  [
    'a flow that began before its Service: it answers for itself',
    'udp      17 29 src=192.0.2.100 dst=10.96.0.10 sport=40000 dport=53 [UNREPLIED] src=10.96.0.10 dst=192.0.2.100 sport=53 dport=40000 mark=0 use=1',
    '192.0.2.100 10.96.0.10 53 10.96.0.10 53',
  ],
];

suite('a line of conntrack -L', () => {
  for (const [what, line, expected] of LINES) {
    test(what, () => {
      const flow = parseFlow(line);
      const { source, destination, port, replySource, replyPort } = flow ?? {};
      assert.equal([source, destination, port, replySource, replyPort].join(' '), expected);
    });
  }

  test('of another protocol is no UDP flow', () => {
    const [, line] = LINES[0] ?? ['', '', ''];
    assert.equal(parseFlow(line.replace('udp      17', 'tcp      6')), undefined);
    assert.equal(parseFlow(line.replace('udp      17', 'udplite  136')), undefined);
  });

  test('that is cut off is no flow, wherever it is cut before the port that answers', () => {
    const [, line] = LINES[0] ?? ['', '', ''];
    for (let length = 0; length < line.lastIndexOf(' sport='); length++) {
      assert.equal(parseFlow(line.slice(0, length)), undefined, line.slice(0, length));
    }
  });
});
