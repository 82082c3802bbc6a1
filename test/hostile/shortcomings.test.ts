import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { CaseResult } from './run-case.ts';
import { faults, MEMORY, shortcomings } from './shortcomings.ts';

const ANSWERS = { requests: 50, withinASecond: 100, longest: 20, unanswered: 0 };

const HELD: CaseResult = {
  name: 'nothing',
  attack: 'no attack',
  delay: { changes: 100, p50: 50, p99: 90, max: 95 },
  refused: 0,
  connected: 100,
  livez: ANSWERS,
  answeredWithin: 100,
  metrics: ANSWERS,
  peakMemory: 110,
  lateness: 5,
  difference: undefined,
  failure: undefined,
  log: '',
};

suite('what a case must not show', () => {
  const cases: readonly [what: string, changes: Partial<CaseResult>, found: readonly string[]][] = [
    ['nothing is wrong', {}, []],
    ['memory at the limit', { peakMemory: MEMORY }, []],
    ['more memory', { peakMemory: MEMORY + 1 }, ['the daemon and nft took 561 MiB of at most 560']],
    ['no measured memory', { peakMemory: 0 }, ['the memory of the daemon was not measured']],
    ['an end', { failure: 'the daemon ended', peakMemory: 0 }, ['the daemon ended']],
    ['a silent /livez', { livez: { ...ANSWERS, unanswered: 2 } }, ['2 requests to /livez had no answer']],
    ['a difference', { difference: 'x' }, ['the kernel is not as the model says: x']],
  ];
  for (const [what, changes, found] of cases) {
    test(what, () => {
      assert.deepEqual(faults({ ...HELD, ...changes }), found);
      assert.deepEqual(shortcomings({ ...HELD, ...changes }), found);
    });
  }

  test('times on a quiet machine', () => {
    const slow = { ...HELD, delay: { ...HELD.delay, p99: 1001 }, livez: { ...ANSWERS, longest: 101 } };
    assert.deepEqual(faults(slow), []);
    assert.deepEqual(shortcomings(slow), ['the bystander waited 1001 ms (p99)', '/livez took up to 101 ms']);
  });
});

test('docs/security.md has the limit for memory', () => {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
  assert.ok(page.includes(`The limit is ${MEMORY} MiB`));
});
