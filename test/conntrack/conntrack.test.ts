import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Conntrack, ConntrackError, type ConntrackOptions } from '../../src/conntrack/conntrack.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { run as execute } from '../netns/namespaces.ts';
import { FakeConntrack } from './fake-conntrack.ts';

function start(fake: FakeConntrack, options: ConntrackOptions = {}) {
  const { log, lines } = recordingLog();
  const conntrack = new Conntrack(log, { command: [fake.executable], ...options });
  const run = async (...args: readonly string[]) => {
    const output: string[] = [];
    await conntrack.run(args, (line) => output.push(line));
    return output;
  };
  return { conntrack, run, lines };
}

const failsAs = (failure: string, message: RegExp) => (error: unknown) =>
  error instanceof ConntrackError && error.failure === failure && message.test(error.message);

suite('running conntrack', () => {
  test('gives its lines, however the pipe cuts them', async () => {
    using fake = new FakeConntrack();
    const { run, lines } = start(fake);
    fake.before('printf "one\\ntw"; sleep 0.05; printf "o\\n\\nthree\\n"; seq 1 20000; exit 0');
    const numbers = Array.from({ length: 20_000 }, (_, i) => String(i + 1));
    assert.deepEqual(await run('-L'), ['one', 'two', '', 'three', ...numbers]);
    assert.deepEqual(lines, []);
  });

  test('one at a time', async () => {
    using fake = new FakeConntrack();
    const { run } = start(fake);
    fake.before(
      'if [ -e "$dir/busy" ]; then echo two at a time; fi; : > "$dir/busy"; sleep 0.05; rm "$dir/busy"; exit 0',
    );
    assert.deepEqual((await Promise.all([run('-L'), run('-L'), run('-L')])).flat(), []);
    assert.equal(fake.calls.length, 3);
  });

  test('rests as long as it works, beyond what it may do without a rest', async () => {
    using fake = new FakeConntrack();
    fake.before('sleep 0.1; exit 0');
    for (const burst of [0, 250]) {
      const { run } = start(fake, { burst });
      const begun = performance.now();
      await Promise.all([run('-L'), run('-L'), run('-L'), run('-L')]);
      // Four take 100 ms or more each, and the last one waits until the three before it are made up for.
      // 99: timers of Node may be early by a part of a millisecond.
      assert.ok(performance.now() - begun >= 4 * 99 + (3 * 99 - burst), `burst ${burst}`);
    }
  });

  test('at a lower priority than ours', async () => {
    using fake = new FakeConntrack();
    fake.before('until [ "$(nice)" -gt 0 ]; do sleep 0.01; done; exit 0');
    assert.deepEqual(await start(fake, { timeLimit: 30 }).run('-L'), []);
  });

  test('kills it after its time limit', async () => {
    using fake = new FakeConntrack();
    fake.before('exec sleep 600');
    const { run, lines } = start(fake, { timeLimit: 0.2 });
    await assert.rejects(run('-L'), failsAs('failed', /took more than 0.2 s and was killed/));
    assert.deepEqual(lines, ['W conntrack took more than 0.2 s and was killed']);
  });

  test('kills it when it prints a line without end', async () => {
    using fake = new FakeConntrack();
    fake.before('exec cat /dev/zero');
    await assert.rejects(start(fake).run('-L'), failsAs('failed', /an endless line/));
  });

  test('takes it as done if there is nothing to delete', async () => {
    using fake = new FakeConntrack();
    assert.deepEqual(await start(fake).run('-D', '-f', 'ipv4', '-p', 'udp', '--orig-dst', '10.96.0.10'), []);
  });

  test('warns once of each way it fails, without the version', async () => {
    using fake = new FakeConntrack();
    const { run, lines } = start(fake);
    for (const message of ['you must be root', 'you must be root', 'other']) {
      fake.before(`echo 'conntrack v1.4.7 (conntrack-tools): Operation failed: ${message}' >&2; exit 1`);
      await assert.rejects(run('-L'), failsAs('failed', new RegExp(message)));
    }
    const told = 'W conntrack failed: Operation failed: ';
    assert.deepEqual(lines, [`${told}you must be root`, `${told}other`]);
  });

  test('does not warn of a flow that ended before it could be deleted', async () => {
    using fake = new FakeConntrack();
    const { run, lines } = start(fake);
    fake.before(
      'echo "conntrack v1.4.7 (conntrack-tools): Operation failed: such conntrack doesn\'t exist" >&2; exit 1',
    );
    await assert.rejects(run('-D'), failsAs('interrupted', /./));
    assert.deepEqual(lines, []);
  });

  test('warns once if it is missing, and names the package; tells when it is there', async () => {
    using fake = new FakeConntrack();
    const { run, lines } = start(fake);
    fake.uninstall();
    await assert.rejects(run('-L'), failsAs('missing', /./));
    await assert.rejects(run('-L'), failsAs('missing', /./));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W conntrack is missing: .* install the package conntrack/);
    fake.install();
    await run('-L');
    await run('-L');
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^I conntrack is available now/);
  });

  test('says what is wrong with an executable that cannot be run', async () => {
    const { log, lines } = recordingLog();
    const conntrack = new Conntrack(log, { command: ['/dev/null'] });
    await assert.rejects(
      conntrack.run(['-L'], () => undefined),
      failsAs('failed', /conntrack cannot be run: spawn \/dev\/null EACCES/),
    );
    assert.equal(lines.length, 1);
  });

  test('fails without file descriptors, and works once there are some', async () => {
    using fake = new FakeConntrack();
    const program = `
      import { closeSync, openSync } from 'node:fs';
      const { Conntrack } = await import(${JSON.stringify(import.meta.resolve('../../src/conntrack/conntrack.ts'))});
      const lines = [];
      const log = { info() {}, warn: (line) => lines.push(line), error() {}, detail() {} };
      const conntrack = new Conntrack(log, { command: [${JSON.stringify(fake.executable)}] });
      const list = () => conntrack.run(['-L'], () => {}).then(() => 'done', ({ failure }) => failure);
      // The pause after a run keeps nobody alive.
      const alive = setInterval(() => {}, 1000);
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch {}
      const outcomes = [await list()];
      for (const file of taken) closeSync(file);
      outcomes.push(await list());
      clearInterval(alive);
      console.log(JSON.stringify({ lines, outcomes }));`;
    const argv = ['prlimit', '--nofile=100', process.execPath, '--input-type=module', '-e', program];
    assert.deepEqual(JSON.parse((await execute(argv)).stdout), {
      lines: [`conntrack cannot be run: spawn ${fake.executable} EMFILE`],
      outcomes: ['failed', 'done'],
    });
  });

  test('ends with stop, and says nothing of it', async () => {
    using fake = new FakeConntrack();
    const { conntrack, run, lines } = start(fake);
    fake.before('echo running; exec sleep 600');
    const begun = Promise.withResolvers<void>();
    const running = conntrack.run(['-L'], () => begun.resolve());
    const waiting = run('-L');
    await begun.promise;
    conntrack.stop();
    await assert.rejects(running, failsAs('failed', /./));
    await assert.rejects(waiting, failsAs('failed', /stopped/));
    assert.equal(fake.calls.length, 1);
    assert.deepEqual(lines, []);
  });
});
