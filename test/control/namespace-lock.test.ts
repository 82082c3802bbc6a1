import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { suite, type TestContext, test } from 'node:test';
import { withNamespace } from '../builders/network-namespace.ts';

interface Holder {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** What it said: "locked", or why not. */
  readonly said: string;
}

/** Takes the lock in a process of its own, inside the namespace. `child.pid` is the process that holds it. */
async function takeLock(context: TestContext, command: readonly string[]): Promise<Holder> {
  const argv = [...command, process.execPath, join(import.meta.dirname, 'hold-lock.ts')];
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  for await (const said of createInterface(child.stdout)) return { child, said };
  throw new Error('the process said nothing');
}

suite('the lock of a network namespace', () => {
  test('is taken by one process; a second is told who has it', async (context) => {
    const { command } = withNamespace(context);
    const first = await takeLock(context, command);
    assert.equal(first.said, 'locked');
    const second = await takeLock(context, command);
    assert.match(second.said, /^E_ALREADY_RUNNING another kube-proxy-nft \(pid \d+, \S+\) works in this network names/);
    assert.ok(second.said.includes(`(pid ${first.child.pid}, `), second.said);
  });

  test('is another one in another namespace', async (context) => {
    const here = await takeLock(context, withNamespace(context).command);
    const there = await takeLock(context, withNamespace(context).command);
    assert.deepEqual([here.said, there.said], ['locked', 'locked']);
  });

  for (const [title, end] of [
    ['is given back', (child) => child.stdin.end()],
    ['is killed', (child) => child.kill('SIGKILL')],
  ] as const satisfies readonly (readonly [string, (child: Holder['child']) => void])[]) {
    test(`is free once its holder ${title === 'is killed' ? title : 'has closed it'}`, async (context) => {
      const { command } = withNamespace(context);
      const { child } = await takeLock(context, command);
      const exited = once(child, 'exit');
      end(child);
      await exited;
      assert.equal((await takeLock(context, command)).said, 'locked');
    });
  }
});
