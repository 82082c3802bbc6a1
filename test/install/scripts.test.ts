import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPTS = [
  'install.sh',
  'deploy/systemd/kube-proxy-nft-token.sh',
  'deploy/systemd/kube-proxy-nft-uninstall.sh',
  ...['scripts', 'scripts/release'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith('.sh'))
      .map((file) => `${folder}/${file}`),
  ),
];

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kpn-scripts-'));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Feeds a text to sh, as `curl | sh` does, and waits for its end. */
function feed(text: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = execFile('/bin/sh', options, () => resolve());
  child.once('error', reject);
  child.stdin?.on('error', () => {}).end(text);
  return promise;
}

/** Where a download can break off: at each line's end and in its middle, and at every byte of the first and last. */
function cuts(script: string): readonly number[] {
  const end = script.lastIndexOf('}');
  const found = new Set<number>();
  for (const { index } of script.matchAll(/\n/g)) {
    const start = script.lastIndexOf('\n', index - 1) + 1;
    for (const at of [index + 1, Math.floor((start + index) / 2)]) found.add(at);
  }
  for (let near = 0; near < 60; near++) for (const at of [near, end - near]) found.add(at);
  // With the last brace it is the whole script.
  return [...found].filter((at) => at >= 0 && at <= end);
}

suite('the scripts', () => {
  for (const name of SCRIPTS) {
    test(`${name} gives shellcheck nothing to say`, () => {
      const { error, status, stdout } = spawnSync('shellcheck', ['--shell=sh', name], { cwd: ROOT, encoding: 'utf8' });
      if (error !== undefined) throw error;
      assert.equal(status, 0, stdout);
    });
  }

  test('install.sh, cut off anywhere, runs nothing', async (context) => {
    const script = readFileSync(join(ROOT, 'install.sh'), 'utf8');
    const [commands, cwd, calls] = ['commands', 'cwd', 'calls'].map((part) => join(folder(context), part));
    assert.ok(commands !== undefined && cwd !== undefined && calls !== undefined);
    mkdirSync(commands);
    mkdirSync(cwd);
    writeFileSync(calls, '');
    // Every word of the script that could be a command is one, and records that it was called.
    for (const word of new Set(script.match(/[a-z][a-z0-9-]+/g))) {
      writeFileSync(join(commands, word), `#!/bin/sh\necho "${word} $*" >>${calls}\n`, { mode: 0o755 });
    }
    const env = { PATH: commands };
    const queue = cuts(script).map((at) => script.slice(0, at));
    assert.ok(queue.length > 200);
    const worker = async () => {
      for (let text = queue.pop(); text !== undefined; text = queue.pop()) {
        await feed(text, { cwd, env });
        assert.equal(readFileSync(calls, 'utf8'), '', `cut off after ${JSON.stringify(text.slice(-60))}`);
        assert.deepEqual(readdirSync(cwd), []);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    // The whole of it does run commands: this test would see them.
    await feed(script, { cwd, env });
    assert.match(readFileSync(calls, 'utf8'), /^(?:uname|id) /m);
  });
});
