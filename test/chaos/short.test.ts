import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { FAULTS } from './faults/all.ts';
import { oneOfEach } from './one-of-each.ts';

/** One of most kinds, one after the other on one node: `npm run chaos` draws from all of them. */
const SHORT = [
  'ruleset-flushed',
  'nft-killed',
  'dispatch-flushed',
  'daemon-stopped',
  'rule-replaced',
  'daemon-killed',
  'table-deleted',
  'api-410',
  'element-deleted',
  'nft-crashing',
];

suite('a node on which one fault follows another', () => {
  test('every kind has its row in docs/testing.md', () => {
    const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
    const rows = FAULTS.map(({ kind, what }) => `| ${kind} | ${what} |`);
    assert.deepEqual(
      rows.filter((row) => !page.includes(row)),
      [],
    );
  });

  test('each is noticed and repaired, no connection is lost besides, and the kernel is as a fresh start has it', () =>
    oneOfEach(SHORT));
});
