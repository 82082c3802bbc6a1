import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { runTool } from './run-tool.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '.github', 'workflows');

const lint = (text: string) => runTool('actionlint', ['-no-color', '-oneline', '-'], text);

suite('actionlint', () => {
  for (const file of readdirSync(FOLDER)) {
    const text = readFileSync(join(FOLDER, file), 'utf8');

    test(`has nothing to say about ${file}`, () => {
      assert.deepEqual(lint(text), { code: 0, stdout: '', stderr: '' });
    });

    test(`sees what is wrong in ${file}`, () => {
      const { code, stdout } = lint(text.replace('timeout-minutes:', 'timeout-minute:'));
      assert.equal(code, 1);
      assert.match(stdout, /timeout-minute/);
    });
  }
});
