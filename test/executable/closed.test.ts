import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { withNamespace } from '../builders/network-namespace.ts';
import { rawService } from '../builders/raw-objects.ts';
import { built, runElsewhere } from './executable.ts';

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-closed-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

suite('the executable takes nothing from the environment that Node would', () => {
  test('NODE_OPTIONS puts no code into it', (context) => {
    const folder = folderFor(context);
    const written = join(folder, 'it-ran');
    writeFileSync(join(folder, 'code.cjs'), `require('node:fs').writeFileSync(${JSON.stringify(written)}, '');`);
    for (const flag of ['--require', '--import']) {
      const { exitCode, stderr } = runElsewhere(['--version'], { NODE_OPTIONS: `${flag}=${join(folder, 'code.cjs')}` });
      assert.deepEqual([exitCode, stderr, existsSync(written)], [0, '', false], flag);
    }
  });

  test('NODE_OPTIONS opens no debugger, sets no limit, and cannot keep it from starting', () => {
    for (const flag of ['--inspect=127.0.0.1:0', '--inspect-brk=127.0.0.1:0', '--stack-size=1', '--no-such-flag']) {
      const { exitCode, stderr } = runElsewhere(['--version'], { NODE_OPTIONS: flag });
      assert.deepEqual([exitCode, stderr], [0, ''], flag);
    }
  });
});

suite('a daemon from the executable', () => {
  test('opens no debugger for SIGUSR1 or NODE_OPTIONS, and works on', async (context) => {
    const folder = folderFor(context);
    const manifests = join(folder, 'manifests');
    mkdirSync(manifests);
    writeFileSync(join(manifests, 'web.json'), JSON.stringify(rawService('web', '10.96.0.10')));
    const [command = '', ...wrapper] = withNamespace(context).command;
    const argv = [...wrapper, built, '--run-dir', join(folder, 'run'), '--manifests', manifests];
    const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--inspect=127.0.0.1:9229' };
    const child = spawn(command, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    context.after(() => child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const says = (text: string) =>
      eventually(
        () => said.includes(text) || child.exitCode !== null,
        () => said,
      );
    await says('ready: ');
    assert.equal(child.exitCode, null, said);
    process.kill(child.pid ?? 0, 'SIGUSR1');
    // A change after the signal: when it is programmed, the signal has been dealt with.
    writeFileSync(join(manifests, 'late.json'), JSON.stringify(rawService('late', '10.96.0.11')));
    await eventually(
      () => dump(join(folder, 'run')).includes('10.96.0.11') || child.exitCode !== null,
      () => said,
    );
    assert.deepEqual([child.exitCode, child.signalCode], [null, null], said);
    assert.doesNotMatch(said, /Debugger/);
    // 9229 is 0x240D; state 0A is LISTEN.
    assert.doesNotMatch(readFileSync(`/proc/${child.pid}/net/tcp`, 'utf8'), /:240D 00000000:0000 0A/);
    // And what listens is in that file: the metrics server, on 10249.
    assert.match(readFileSync(`/proc/${child.pid}/net/tcp`, 'utf8'), /:2809 00000000:0000 0A/);
  });
});

function dump(runDir: string): string {
  return runElsewhere(['--dump', '--run-dir', runDir]).stdout;
}
