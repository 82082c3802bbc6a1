import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { suite, type TestContext, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { withNamespace } from '../builders/network-namespace.ts';
import { inNamespace, runSync } from '../netns/namespaces.ts';

interface Holder {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** What it said: "locked", or why not. */
  readonly said: string;
}

/** Takes the lock in a process of its own, inside the namespace. `child.pid` is the process that holds it. */
async function takeLock(context: TestContext, command: readonly string[], patience = 5000): Promise<Holder> {
  const argv = [...command, process.execPath, join(import.meta.dirname, 'hold-lock.ts'), String(patience)];
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  for await (const said of createInterface(child.stdout)) return { child, said };
  throw new Error('the process said nothing');
}

/** As systemd runs the daemon: a user who is not root, sees nobody's descriptors, and may program the network. */
const AS_SERVICE = [
  'setpriv',
  ...['--reuid', '65533', '--clear-groups', '--inh-caps', '-all,+net_admin', '--ambient-caps', '-all,+net_admin'],
  ...['--bounding-set', '-all,+net_admin'],
];
/** A user who may not. */
const AS_STRANGER = ['setpriv', '--reuid', '65534', '--clear-groups'];

/** Binds the socket, and treats who connects as `onConnection` says. */
async function bind(context: TestContext, command: readonly string[], onConnection: string): Promise<void> {
  const program = `require('node:net').createServer(${onConnection}).listen('\\0kube-proxy-nft', () => console.log('bound'))`;
  const argv = [...command, ...AS_STRANGER, process.execPath, '-e', program];
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

suite('the lock of a network namespace', () => {
  test('is taken by one process; a second is told who has it', async (context) => {
    const { command } = withNamespace(context);
    const first = await takeLock(context, command);
    assert.equal(first.said, 'locked');
    const second = await takeLock(context, command);
    assert.match(second.said, /^E_ALREADY_RUNNING another kube-proxy-nft \(pid \d+, \S+\) runs in this network names/);
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

  for (const [title, onConnection] of [
    ['is silent', '() => {}'],
    ['ends connections', '(socket) => socket.on("error", () => {}).destroy()'],
    ['claims to have proved it', '(socket) => socket.on("error", () => {}).write("look\\n")'],
  ] as const) {
    test(`keeps nobody from starting when a stranger holds it, who ${title}`, async (context) => {
      const { command } = withNamespace(context);
      await bind(context, command, onConnection);
      const [service, root] = await Promise.all([
        takeLock(context, [...command, ...AS_SERVICE], 200),
        takeLock(context, command, 200),
      ]);
      assert.deepEqual([service.said, root.said], ['locked', 'locked']);
    });
  }

  test('is known as the service’s by root, and as root’s by the service', async (context) => {
    for (const [holder, other] of [
      [AS_SERVICE, []],
      [[], AS_SERVICE],
    ] as const) {
      const { name, command } = withNamespace(context);
      assert.equal((await takeLock(context, [...command, ...holder])).said, 'locked');
      const { said } = await takeLock(context, [...command, ...other]);
      assert.match(said, /^E_ALREADY_RUNNING another kube-proxy-nft .*runs in this network namespace/);
      // The proof is gone.
      const tables = () => runSync(inNamespace(name, ['nft', 'list', 'tables'])).stdout;
      await eventually(() => tables() === '', tables);
    }
  });
});
