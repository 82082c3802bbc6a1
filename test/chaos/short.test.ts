import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { Arena } from './arena.ts';
import { Campaign } from './campaign.ts';
import { differenceAtEnd } from './end.ts';
import { FAULTS } from './faults/all.ts';
import { shortcomings } from './report.ts';

/** One of most kinds, one after the other on one node: `npm run chaos` draws from all of them. */
const SHORT = [
  'ruleset-flushed',
  'nft-killed',
  'table-deleted',
  'daemon-stopped',
  'daemon-killed',
  'api-410',
  'nft-stopped',
  'api-reset',
  'api-silent',
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

  test('each is noticed and mended, no connection is lost besides, and the kernel is as a fresh start has it', async () => {
    using arena = new Arena({ seed: 1, services: 20, rate: 200 });
    await arena.start();
    arena.startChurn();
    const campaign = new Campaign(arena, { seed: 1, faults: [], patience: 60 });
    for (const kind of SHORT) {
      const fault = FAULTS.find((each) => each.kind === kind);
      assert.ok(fault !== undefined, kind);
      await campaign.do(fault);
    }
    arena.stopChurn();
    await campaign.end();
    assert.deepEqual(shortcomings(campaign.outcomes), [], arena.daemon.log.slice(-4000));
    assert.equal(await differenceAtEnd(arena), undefined);
  });
});
