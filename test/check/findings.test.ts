import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ok, problem, unknown, warning } from '../../src/check/finding.ts';
import { findingsJson, findingsText } from '../../src/check/print-findings.ts';
import { runChecks } from '../../src/check/run-checks.ts';

suite('checks', () => {
  test('report their findings in order; one that fails or does not end is unknown, with the reason', async () => {
    const { findings, isLate } = await runChecks([
      { topic: 'slow', limit: 0.05, run: () => new Promise(() => undefined) },
      { topic: 'broken', limit: 5, run: () => Promise.reject(new Error('no such thing')) },
      { topic: 'fine', limit: 5, run: () => [ok('fine', 'yes')] },
    ]);
    assert.deepEqual(findings, [
      unknown('slow', 'there was no answer within 0.05 s'),
      unknown('broken', 'no such thing'),
      ok('fine', 'yes'),
    ]);
    assert.equal(isLate, true);
  });

  test('are told when their time is up', async () => {
    let reason: unknown;
    await runChecks([
      {
        topic: 'slow',
        limit: 0.01,
        run: (signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
            });
          }),
      },
    ]);
    assert.ok(reason instanceof DOMException);
  });
});

suite('findings', () => {
  const findings = [ok('nft', 'nft 1.0.6'), problem('a b', 'bad\n\u001b[2Jok', 'repair\r it'), warning('c', 'd', 'e')];

  test('are counted, and a line each; nothing from outside talks to a terminal or forges a line', () => {
    assert.equal(
      findingsText('node-a\u001b[1m', findings),
      [
        'node-a\\u001b[1m: 1 problem, 1 warning, 1 ok',
        'ok       nft  nft 1.0.6',
        'problem  a b  bad \\u001b[2Jok',
        '              -> repair it',
        'warning  c    d',
        '              -> e',
        '',
      ].join('\n'),
    );
  });

  test('are JSON for programs', () => {
    const text = findingsJson('node-a', '0.1.0', findings);
    assert.ok(!text.includes('\u001b'));
    const { problems, warnings, unknown: open, findings: listed } = JSON.parse(text);
    assert.deepEqual([problems, warnings, open, listed.length], [1, 1, 0, 3]);
    assert.deepEqual(listed[1], { topic: 'a b', state: 'problem', found: 'bad\n\u001b[2Jok', remedy: 'repair\r it' });
  });
});
