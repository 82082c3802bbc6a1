import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { hasQuirk, QUIRKS, type Quirk } from '../../src/nft/quirks.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const all: readonly Quirk[] = Object.values(QUIRKS);

suite('quirks of nft', () => {
  test('go from a version on, and end before another', () => {
    const quirk = { from: '1.0.9', before: '1.1.2', behaviour: '', consequence: '' };
    const versions = ['1.0.6', '1.0.9', '1.1.1', '1.1.2', '1.1.7'];
    assert.deepEqual(
      versions.filter((version) => hasQuirk(version, quirk)),
      ['1.0.9', '1.1.1'],
    );
    assert.equal(hasQuirk('', QUIRKS.noTypeofInJson), true, 'an unreadable version counts as the oldest');
    assert.equal(hasQuirk('9.9', QUIRKS.readsAllElements), true);
  });

  test('are all in docs/nft-quirks.md, as they are here', () => {
    const page = readFileSync(join(ROOT, 'docs', 'nft-quirks.md'), 'utf8');
    const rows = all.map((quirk) => `| ${versionsOf(quirk)} | ${quirk.behaviour} | ${quirk.consequence} |`);
    const table = page.slice(page.indexOf('\n| nft |'), page.lastIndexOf('|\n') + 1);
    assert.deepEqual(table.trim().split('\n').slice(2), rows);
  });

  test('name files that are there', () => {
    for (const { consequence } of all) {
      for (const [, file] of consequence.matchAll(/`([\w/-]+\.ts)`/g)) {
        assert.ok(file !== undefined && existsSync(join(ROOT, 'src', file)), `src/${file}`);
      }
    }
  });
});

function versionsOf({ from, before }: Quirk): string {
  if (from === undefined) return before === undefined ? 'all' : `before ${before}`;
  return before === undefined ? `${from} and newer` : `${from} to before ${before}`;
}
