import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { traceExitCode } from '../../../src/cli/trace/exit-code.ts';
import { traceText } from '../../../src/cli/trace/text.ts';
import { smallCluster } from './small-cluster.ts';

/** Requests, each with the whole answer and the exit code. */
const GOLDEN = readFileSync(join(import.meta.dirname, 'golden.txt'), 'utf8')
  .trimEnd()
  .split('\n\n');

suite('trace of a small cluster', () => {
  const { trace } = smallCluster();

  for (const block of GOLDEN) {
    const [, to = '', from] = /^\$ trace (\S+)(?: --from (\S+))?\n/.exec(block) ?? [];
    test(`to ${to} from ${from ?? 'the node'} is as recorded`, async () => {
      const answer = await trace(to, from);
      const command = `$ trace ${to}${from === undefined ? '' : ` --from ${from}`}`;
      assert.equal(`${command}\n${traceText(answer, false)}[${traceExitCode(answer)}]`, block);
    });
  }

  test('is refused where there is nothing to trace, with the reason', async () => {
    for (const [to, from, reason] of [
      ['default/headless', undefined, /is headless: clients connect to its endpoints themselves/],
      ['default/wbe', undefined, /there is no Service default\/wbe; did you mean default\/web\?/],
      ['default/web:htp', undefined, /has no port htp: it has http 80\/tcp/],
      ['10.96.0.80/udp', undefined, /no Service has a port at 10\.96\.0\.80: name one, as in 10\.96\.0\.80:80/],
      ['10.96.0.80:80', 'fd00:32::9', /must be an IPv4 address/],
      ['10.96.0.80:80', 'nosuch', /this machine has no such interface/],
    ] as const) {
      await assert.rejects(
        trace(to, from),
        (error: Error) => reason.test(error.message) && /E_USAGE/.test(error.message),
      );
    }
  });

  test('has the rules on the way where they are requested', async () => {
    const text = traceText(await trace('default/typo'), true);
    assert.match(text, /^default\/typo:http: refused: .*\n {2}tcp .*\n\n {2}output\n/);
    assert.match(text, /\n {4}dispatch: .* → 10\.96\.0\.83 \. tcp \. 80 : goto refuse \(default\/typo:http\)\n/);
  });

  test('as JSON has the documented fields', async () => {
    const { connections, left, origin } = await trace('default/local', '203.0.113.9');
    assert.deepEqual([left, origin], [0, 'the small cluster']);
    const [first, second] = connections;
    assert.deepEqual(
      { ...first, rules: undefined, ruleCount: undefined },
      {
        fate: 'dropped',
        text: 'dropped: externalTrafficPolicy Local, and its 2 endpoints are on node other',
        remedy: 'connect to a node that has one, or set externalTrafficPolicy: Cluster',
        family: 'IPv4',
        protocol: 'tcp',
        source: '203.0.113.9',
        isExample: false,
        from: 'outside',
        destination: '192.0.2.1',
        port: 30_081,
        service: { namespace: 'default', name: 'local', port: 'http', kind: 'node-port' },
        inForce: true,
        outcomes: [{ fate: 'dropped', probability: 1 }],
        outcomeCount: 1,
        rules: undefined,
        ruleCount: undefined,
      },
    );
    assert.deepEqual(second?.outcomes[0], {
      fate: 'translated',
      endpoint: '10.33.0.7:8080',
      sourceNat: true,
      probability: 0.5,
    });
    assert.deepEqual(Object.keys(first?.rules[0] ?? {}).toSorted(), [
      'chain',
      'hook',
      'matched',
      'probability',
      'result',
      'rule',
    ]);
  });
});

test('trace where node ports are served on loopback says who serves them', async () => {
  const { trace } = smallCluster(['--nodeport-addresses', 'primary,localhost']);
  const [connection] = (await trace('127.0.0.1:30080')).connections;
  assert.equal(connection?.fate, 'served');
  assert.match(connection?.text ?? '', /own listener on loopback/);
  // externalTrafficPolicy Local, and its endpoints are on another node.
  const [other] = (await trace('127.0.0.1:30081')).connections;
  assert.equal(other?.fate, 'untouched');
  assert.match(other?.text ?? '', /the listener on loopback has no endpoint that it may use/);
});

test('trace of an address that is refused has the reason, also where no daemon decides about it', async () => {
  const { trace } = smallCluster(['--protect-addresses', 'enforce']);
  const [connection] = (await trace('10.96.7.7:80')).connections;
  assert.equal(connection?.fate, 'dropped');
  assert.match(
    connection?.text ?? '',
    /Service default\/greedy claims it, but is not served there; external IP 10\.96\.7\.7 is .*\(protected-address\)$/,
  );
});
