import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { announceReadiness } from '../../src/control/notify.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';

/** As systemd does: receives datagrams, and closes the descriptor that comes with a barrier, for which notifiers wait. */
const RECEIVER = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    text, ancillary, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(64))
    for level, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            for fd in array.array('i', data): os.close(fd)
    print(text.decode().strip().replace('\\n', ' '), flush=True)
`;

/** A service manager: the messages it got, and the environment of its services. */
async function serviceManager(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-notify-'));
  const socket = join(folder, 'notify');
  const child = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.filter((line) => line !== 'bound' && line !== 'BARRIER=1'));
  });
  await once(child.stdout, 'data');
  return { lines, env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket }, shown: () => lines.join('; ') };
}

suite('readiness', () => {
  test('is told when all Services are programmed', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { log, lines: logged } = recordingLog();
    const isServing = () => Promise.resolve(true);
    await announceReadiness({ programmed: Promise.resolve(), isServing, log, env });
    await eventually(() => lines.length > 0, shown);
    assert.deepEqual(lines, ['READY=1 STATUS=all Services are programmed']);
    assert.deepEqual(logged, []);
  });

  test('is told once the rules of the last run serve, when Services do not come', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { promise, resolve } = Promise.withResolvers<void>();
    let looks = 0;
    const isServing = () => Promise.resolve(looks++ > 1);
    const end = announceReadiness({ programmed: promise, isServing, log: recordingLog().log, env, grace: 0.01 });
    await eventually(() => lines.length > 1, shown);
    resolve();
    await end;
    await eventually(() => lines.length > 2, shown);
    assert.deepEqual(lines, [
      'STATUS=Services are awaited; no rules yet',
      'READY=1 STATUS=the rules of the last run serve; Services are awaited',
      'READY=1 STATUS=all Services are programmed',
    ]);
  });

  test('is not told without rules, also if they cannot be looked at', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { log, lines: logged } = recordingLog();
    const isServing = () => Promise.reject(new Error('nft is gone'));
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = announceReadiness({ programmed: promise, isServing, log, env, grace: 0.01 });
    await eventually(() => logged.length > 2 && lines.length > 0, shown);
    assert.deepEqual(lines, ['STATUS=Services are awaited; no rules yet']);
    assert.match(logged[0] ?? '', /^W whether .* cannot be found out: nft is gone$/);
    resolve();
    await end;
  });

  test('is nobody’s business without a service manager', async () => {
    const { log, lines } = recordingLog();
    const never = new Promise(() => {});
    await announceReadiness({ programmed: never, isServing: () => Promise.resolve(true), log, env: {} });
    assert.deepEqual(lines, []);
  });

  test('without systemd-notify there is one warning, that says what to do', async () => {
    const { log, lines } = recordingLog();
    const env = { PATH: '/nowhere', NOTIFY_SOCKET: '/nowhere/notify' };
    const isServing = () => Promise.resolve(true);
    await announceReadiness({ programmed: Promise.resolve(), isServing, log, env });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W systemd was not told .*ENOENT.*install its program systemd-notify/);
  });
});
