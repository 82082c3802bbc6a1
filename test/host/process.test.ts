import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessOptions, runProcess } from '../../src/host/process.ts';
import { eventually } from '../builders/eventually.ts';
import { run } from '../netns/namespaces.ts';
import { MemoryGroup } from './memory-group.ts';

const directory = mkdtempSync(join(tmpdir(), 'kpn-process-'));
after(() => rmSync(directory, { recursive: true }));

/** A shell script, whose $dir is a folder of this test. */
function shell(script: string, options: Partial<ProcessOptions> = {}) {
  return runProcess(['/bin/sh', '-c', `dir=${directory}; ${script}`], {
    timeLimit: 60,
    maxOutput: 1_000_000,
    ...options,
  });
}

/** The process whose number a script has left in a file; undefined once it is gone, or has ended and is not reaped. */
function processIn(file: string): number | undefined {
  const path = join(directory, file);
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  try {
    return pid > 0 && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) ? pid : undefined;
  } catch {
    return undefined;
  }
}

suite('a process', () => {
  test('gives what it says and how it ends', async () => {
    const { stdout, ...rest } = await shell('echo one; echo two >&2; exit 3');
    assert.deepEqual([stdout.toString(), rest], ['one\n', { code: 3, signal: null, stderr: 'two\n' }]);
    const { code, signal } = await shell('kill -SEGV $$');
    assert.deepEqual([code, signal], [null, 'SIGSEGV']);
  });

  test('gets its stdin from text, from an open file, or is given none', async () => {
    const text = 'line\n'.repeat(300_000);
    const count = async (stdin?: string | number) =>
      Number((await shell('wc -c', stdin === undefined ? {} : { stdin })).stdout);
    assert.equal(await count(text), text.length);
    const path = join(directory, 'input');
    writeFileSync(path, text);
    const file = openSync(path, 'r');
    assert.equal(await count(file), text.length);
    closeSync(file);
    assert.equal(await count(), 0);
  });

  test('need not read its stdin', async () => {
    assert.equal((await shell('exit 0', { stdin: 'line\n'.repeat(300_000) })).code, 0);
  });

  test('hands its stdout over, and is killed for what that shows', async () => {
    const pieces: string[] = [];
    await shell('echo one', { onOutput: (piece) => void pieces.push(piece.toString()) });
    assert.deepEqual(pieces, ['one\n']);
    const options = { onOutput: () => 'said yes' };
    await assert.rejects(shell('exec yes', options), { failure: 'killed', message: 'said yes and was killed' });
  });

  test('of low priority lets others go first', async () => {
    const { stdout } = await shell('until [ "$(nice)" -gt 0 ]; do sleep 0.01; done; nice', { lowPriority: true });
    assert.equal(Number(stdout), 10);
  });
});

suite('a process that cannot be started', () => {
  test('is missing, or not ours to run', async () => {
    const options = { timeLimit: 60 };
    await assert.rejects(runProcess(['/does/not/exist'], options), { failure: 'missing', message: /^cannot be run: / });
    await assert.rejects(runProcess(['/dev/null'], options), { failure: 'not-started', message: /EACCES/ });
  });

  test('for want of file descriptors is an error like others, and works once there are some', async () => {
    const program = `
      import { closeSync, openSync } from 'node:fs';
      const { runProcess } = await import(${JSON.stringify(import.meta.resolve('../../src/host/process.ts'))});
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch {}
      const { failure, message } = await runProcess(['true'], { timeLimit: 60 }).catch((error) => error);
      for (const file of taken) closeSync(file);
      const { code } = await runProcess(['true'], { timeLimit: 60 });
      console.log(JSON.stringify({ failure, message, code }));`;
    const argv = ['prlimit', '--nofile=100', process.execPath, '--input-type=module', '-e', program];
    const { stdout } = await run(argv);
    assert.deepEqual(JSON.parse(stdout), {
      failure: 'not-started',
      message: 'cannot be run: spawn true EMFILE',
      code: 0,
    });
  });
});

suite('a process that does not end', () => {
  test('is killed after its time limit, and with it what a wrapper has started', async () => {
    const hanging = shell('sh -c \'echo $$ > "$1"; sleep 1000; :\' sh "$dir/hanging"; :', { timeLimit: 1 });
    await assert.rejects(hanging, { failure: 'killed', message: 'took more than 1 s and was killed' });
    assert.ok(existsSync(join(directory, 'hanging')));
    assert.equal(processIn('hanging'), undefined);
  });

  test('is killed when told to stop; one that was to start later is not started', async () => {
    const stop = new AbortController();
    const stopped = shell('echo; exec sleep 1000', { signal: stop.signal, onOutput: () => void stop.abort() });
    await assert.rejects(stopped, { failure: 'killed', message: 'was stopped and was killed' });
    await assert.rejects(shell(': > "$dir/started"', { signal: stop.signal }), { message: 'was stopped' });
    assert.ok(!existsSync(join(directory, 'started')));
  });

  test('and does not stop talking is killed', async () => {
    await assert.rejects(shell('exec yes'), {
      failure: 'killed',
      message: 'printed more than 1000000 bytes and was killed',
    });
    const { stderr } = await shell('yes >&2 & sleep 0.5; kill $!');
    assert.equal(stderr.length, 64 * 1024);
  });

  test('in the background of one that has ended, is killed if it holds the output open', async () => {
    const { code, stdout } = await shell('sleep 1000 & echo $! > "$dir/background"; echo done');
    assert.deepEqual([code, stdout.toString()], [0, 'done\n']);
    await eventually(() => processIn('background') === undefined, String);
  });

  test('in the background of one that has ended, is left alone if it does not', async () => {
    await shell('sleep 1000 > /dev/null 2>&1 & echo $! > "$dir/quiet"');
    const pid = processIn('quiet');
    assert.ok(pid !== undefined);
    process.kill(pid);
  });

  test('out of reach in a session of its own, is not waited for', async () => {
    const { stdout } = await shell('setsid sleep 1000 & echo $! > "$dir/session"; echo done');
    assert.equal(stdout.toString(), 'done\n');
    const pid = processIn('session');
    assert.ok(pid !== undefined);
    process.kill(pid);
  });
});

test('where memory is short, the kernel ends a process of ours, and not this one, which is larger', async () => {
  const group = new MemoryGroup(160 * 2 ** 20);
  // It has 100 MiB; what it starts takes all there is.
  const program = `
    import { writeFileSync } from 'node:fs';
    import { runProcess } from '${join(import.meta.dirname, '../../src/host/process.ts')}';
    writeFileSync('${group.procs}', String(process.pid));
    const own = Buffer.alloc(100 * 2 ** 20, 1);
    const eater = [process.execPath, '-e', 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 20, 1));'];
    const { code, signal } = await runProcess(eater, { timeLimit: 60 });
    console.log(code, signal, own.length);`;
  try {
    const { stdout } = await run([process.execPath, '--input-type=module', '-e', program]);
    assert.equal(stdout, `null SIGKILL ${100 * 2 ** 20}\n`);
    assert.equal(group.kills, 1);
  } finally {
    await group.remove();
  }
});

test('what is said after its exit is read, however long this process is busy meanwhile', async () => {
  const output = shell('(sleep 0.4; echo late) &');
  await sleep(200);
  // Timers come next, then what can be read.
  await new Promise(setImmediate);
  // Longer than the grace.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  assert.equal((await output).stdout.toString(), 'late\n');
});
