import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { suite, test } from 'node:test';

const PRINT = JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'cli', 'print.ts'));

function printed(expression: string): string {
  const script = `import { print } from ${PRINT}; print(${expression});`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

suite('what is printed', () => {
  test('cannot talk to the reader’s terminal', () => {
    for (const text of ['a\u001b[2J\u202e\n\tb\n', 'é\u009b\n']) {
      const safe = { 'a\u001b[2J\u202e\n\tb\n': 'a\\u001b[2J\\u202e\n\tb\n' }[text] ?? 'é\\u009b\n';
      assert.equal(printed(JSON.stringify(text)), safe);
      assert.equal(printed(`Buffer.from(${JSON.stringify(text)})`), safe);
    }
  });

  test('may be long, with a character anywhere', () => {
    // Every place of a character of four bytes within a piece comes up.
    const length = 9_000_001;
    const text = printed(
      `Buffer.from(${JSON.stringify('x')}.repeat(3) + '\u{e0041}y'.repeat(${Math.ceil(length / 5)}))`,
    );
    assert.equal(text, `xxx${'\\udb40\\udc41y'.repeat(Math.ceil(length / 5))}`);
  });
});
