import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { FIELD_ENTRIES } from '../../src/config/fields.ts';
import { FLAGS } from '../../src/config/flags.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');

suite('docs/configuration.md', () => {
  test('has every field, with its flag, its default, and what becomes of it', () => {
    const rows = new Map(
      [...PAGE.matchAll(/^\| `([\w.]+)` \| (\S*) \| (\S*) \| (.*) \|$/gm)].map(([, field = '', ...cells]) => [
        field,
        cells,
      ]),
    );
    for (const [field, { flag, default: usual, withoutEffect }] of FIELD_ENTRIES) {
      const [shownFlag, shownDefault, effect = ''] = rows.get(field) ?? [];
      const name = flag === 'v' ? '-v' : `--${flag}`;
      assert.equal(shownFlag, flag === undefined ? '' : `\`${name}\``, field);
      assert.equal(shownDefault, usual === '' || typeof usual === 'object' ? '' : `\`${usual}\``, field);
      if (withoutEffect === undefined) assert.match(effect, /^(honoured|always nftables)/, field);
      else assert.equal(effect, `no effect: ${withoutEffect}`, field);
    }
    assert.equal(rows.size, FIELD_ENTRIES.length);
  });

  test('has every flag', () => {
    for (const name of FLAGS.keys()) assert.ok(PAGE.includes(`\`${name === 'v' ? '-v' : `--${name}`}\``), name);
  });
});
