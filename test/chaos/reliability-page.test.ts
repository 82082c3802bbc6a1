import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');

test('every test that docs/reliability.md names for what can break is there', () => {
  const page = readFileSync(join(ROOT, 'docs/reliability.md'), 'utf8');
  const section = page.slice(page.indexOf('## What can break, and the test that breaks it'));
  const named = [...section.matchAll(/`(test\/[^`]+)`: ([^;|]+?)(?=;| \|)/g)];
  assert.ok(named.length > 15, `${named.length} tests are named`);
  const missing = named.filter(([, path = '', words = '']) => !readFileSync(join(ROOT, path), 'utf8').includes(words));
  assert.deepEqual(
    missing.map(([text]) => text),
    [],
  );
});
