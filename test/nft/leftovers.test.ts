import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { waitForLeftovers } from '../../src/nft/leftovers.ts';
import { createNft } from '../../src/nft/nft.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace } from '../netns/namespaces.ts';

/** A process with the command line of an nft, whose parent is not this process; it ends when its stdin does. */
async function standIn(args: readonly string[], before: readonly string[] = []) {
  const nft = [...before, 'sh', '-c', 'read line', 'nft', ...args];
  const parent = spawn('sh', ['-c', '"$@"; exit', 'parent', ...nft], { stdio: ['pipe', 'ignore', 'inherit'] });
  const pid = () => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim();
  // A child that is forked and not yet executed has its parent's command line.
  const isThere = () => pid() !== '' && readFileSync(`/proc/${pid()}/cmdline`, 'utf8').startsWith('sh\0-c\0read line');
  await eventually(isThere, String);
  return { pid: pid(), ended: once(parent, 'exit'), end: () => parent.stdin.end() };
}

describe('what a daemon before us left running', () => {
  for (const args of [
    (dir: string) => ['-j', '-I', dir, '-f', '/proc/self/fd/0'],
    (dir: string) => ['-j', '-i', '-I', dir],
  ]) {
    it(`is waited for: nft ${args('DIR').join(' ')}`, async () => {
      using kernel = new TestKernel();
      const { log, lines } = recordingLog();
      const nft = await standIn(args(kernel.directory));
      let ended = false;
      const exit = nft.ended.then(() => {
        ended = true;
      });
      const waiting = waitForLeftovers(kernel.directory, log).then(() => assert.ok(ended));
      await eventually(() => lines.length > 0, String);
      nft.end();
      await Promise.all([waiting, exit]);
      assert.deepEqual(lines, [`I waiting for a transaction of the last run to end pids="${nft.pid}"`]);
    });
  }

  it('is not what works for others: another run directory, another network namespace', async () => {
    using kernel = new TestKernel();
    const { log, lines } = recordingLog();
    const others = [
      await standIn(['-j', '-I', '/elsewhere', '-f', '/proc/self/fd/0']),
      await standIn(['-j', '-i', '-I', kernel.directory], inNamespace(kernel.namespace, [])),
    ];
    await waitForLeftovers(kernel.directory, log);
    assert.deepEqual(lines, []);
    for (const nft of others) nft.end();
    await Promise.all(others.map(({ ended }) => ended));
  });

  it('is not the session that this daemon has opened already', async () => {
    using kernel = new TestKernel();
    const { log, lines } = recordingLog();
    const nft = createNft(kernel.directory, 'ip');
    await nft.openSession(log);
    await waitForLeftovers(kernel.directory, log);
    assert.deepEqual(lines, []);
    nft.closeSession();
  });

  it('is not a process of another user, whatever its arguments are', async () => {
    using kernel = new TestKernel();
    const { log, lines } = recordingLog();
    const stranger = ['setpriv', '--reuid', '65534', '--clear-groups'];
    // A program that gives it root's effective user id, as su does while it asks for a password.
    const asRoot = ['setpriv', '--ruid', '65534', '--euid', '0', '--clear-groups'];
    const others = [
      await standIn(['-j', '-i', '-I', kernel.directory], stranger),
      await standIn(['-j', '-i', '-I', kernel.directory], asRoot),
    ];
    const waiting = waitForLeftovers(kernel.directory, log);
    for (const nft of others) {
      setImmediate(() => setImmediate(nft.end));
    }
    await waiting;
    assert.deepEqual(lines, []);
  });

  it('an idle session ends with its daemon, even one that is killed', async () => {
    using kernel = new TestKernel();
    const program = `
      const { createNft } = await import(${JSON.stringify(import.meta.resolve('../../src/nft/nft.ts'))});
      const log = { info() {}, warn() {}, error() {}, detail() {} };
      await createNft(${JSON.stringify(kernel.directory)}, 'ip').openSession(log);
      console.log('open');
      setInterval(() => {}, 1000);`;
    const [command, ...args] = inNamespace(kernel.namespace, [process.execPath, '--input-type=module', '-e', program]);
    const daemon = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(daemon.stdout, 'data');
    assert.equal(kernel.processes().length, 2);
    daemon.kill('SIGKILL');
    await eventually(
      () => kernel.processes().length === 0,
      () => kernel.processes().join(),
    );
  });

  it('a session does not keep its own process alive', async () => {
    using kernel = new TestKernel();
    const program = `
      const { createNft } = await import(${JSON.stringify(import.meta.resolve('../../src/nft/nft.ts'))});
      const log = { info() {}, warn() {}, error() {}, detail() {} };
      await createNft(${JSON.stringify(kernel.directory)}, 'ip').openSession(log);`;
    const [command, ...args] = inNamespace(kernel.namespace, [process.execPath, '--input-type=module', '-e', program]);
    const [code] = await once(spawn(command, args, { stdio: 'inherit' }), 'exit');
    assert.equal(code, 0);
  });
});
