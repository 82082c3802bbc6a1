import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'security.md'), 'utf8');

/** The rows of a section's tables, but for their heads. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const [, text = ''] = PAGE.split(`\n## ${section}\n`);
  const [body = ''] = text.split('\n## ');
  const rows = body.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((row) => row.slice(2, -2).split(' | '));
}

suite('docs/security.md', () => {
  for (const [limit = '', beyond = '', setBy = ''] of rowsOf('Limits')) {
    test(`${limit}: is what the code has`, () => {
      const places = [...setBy.matchAll(/((?:`[^`]+`(?: and )?)+) in `(src\/[^`]+)`/g)];
      assert.ok(places.length > 0, setBy);
      let digits = '';
      for (const [, code = '', file = ''] of places) {
        const source = readFileSync(join(ROOT, file), 'utf8');
        for (const [, line = ''] of code.matchAll(/`([^`]+)`/g)) {
          assert.ok(source.includes(line), `${file} does not have ${line}`);
          digits += `${line.replaceAll('_', '')} `;
        }
      }
      assert.ok(beyond !== undefined && digits !== '');
    });
  }

  test('names all that listens', () => {
    const [[health = ''] = [], [metrics = ''] = []] = rowsOf('Listeners');
    const fields = readFileSync(join(ROOT, 'src/config/fields.ts'), 'utf8');
    for (const [where, port] of [
      [health, '10256'],
      [metrics, '10249'],
    ] as const) {
      assert.ok(where.startsWith(port), where);
      assert.ok(fields.includes(port), port);
    }
  });
});
