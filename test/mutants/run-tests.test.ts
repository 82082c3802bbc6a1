import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { runTests } from './run-tests.ts';

const MODULE = `export function isBelow(a: number, b: number): boolean {
  return a < b;
}
`;
const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBelow } from './compare.ts';
test('two is not below two', () => assert.equal(isBelow(2, 2), false));
`;

suite('tests of a mutant', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-mutants-'));
  const path = join(folder, 'compare.ts');
  const test1 = join(folder, 'compare.test.ts');
  writeFileSync(path, MODULE);
  writeFileSync(test1, TEST);

  test('pass without one', async () => {
    assert.equal((await runTests([test1], { limitMs: 60_000 })).outcome, 'passed');
  });

  test('say which one killed it', async () => {
    const substitute = { path, text: MODULE.replace('<', '<=') };
    const { outcome, failure } = await runTests([test1], { limitMs: 60_000, substitute });
    assert.deepEqual([outcome, failure], ['failed', 'two is not below two']);
  });

  test('end although it does not', async () => {
    const substitute = { path, text: MODULE.replace('return', 'for (;;);\n  return') };
    assert.equal((await runTests([test1], { limitMs: 500, substitute })).outcome, 'timeout');
  });

  test('fail with a module that cannot be loaded', async () => {
    const { outcome, failure } = await runTests([test1], { limitMs: 60_000, substitute: { path, text: '{' } });
    assert.equal(outcome, 'failed');
    assert.match(failure ?? '', /./);
  });

  test.after(() => rmSync(folder, { recursive: true, force: true }));
});
