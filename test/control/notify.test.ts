import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { announceReadiness } from '../../src/control/notify.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { serviceManager } from './service-manager-double.ts';

/** There is none. */
const progress = () => 0;

suite('readiness', () => {
  test('is told when all Services are programmed', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { log, lines: logged } = recordingLog();
    const isServing = () => Promise.resolve(true);
    await announceReadiness({ programmed: Promise.resolve(), isServing, progress, log, env });
    await eventually(() => lines.length > 0, shown);
    assert.deepEqual(lines, ['READY=1 STATUS=all Services are programmed']);
    assert.deepEqual(logged, []);
  });

  test('is told once the rules of the last run serve, when Services do not come', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { promise, resolve } = Promise.withResolvers<void>();
    let looks = 0;
    const isServing = () => Promise.resolve(looks++ > 1);
    const end = announceReadiness({
      programmed: promise,
      isServing,
      progress,
      log: recordingLog().log,
      env,
      grace: 0.01,
    });
    await eventually(() => lines.some((line) => line.startsWith('READY=1')), shown);
    resolve();
    await end;
    await eventually(() => lines.at(-1)?.includes('programmed') === true, shown);
    assert.deepEqual(
      [...new Set(lines)],
      [
        'STATUS=waiting for Services; no rules yet',
        'READY=1 STATUS=the rules of the last run serve; waiting for Services',
        'READY=1 STATUS=all Services are programmed',
      ],
    );
  });

  test('is told of a saved state that stands in, and of the end of that', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { promise: caughtUp, resolve } = Promise.withResolvers<void>();
    await announceReadiness({
      programmed: Promise.resolve(),
      isServing: () => Promise.resolve(false),
      progress,
      log: recordingLog().log,
      env,
      standIn: () => 'a saved state serves',
      caughtUp,
    });
    await eventually(() => lines.length > 0, shown);
    assert.deepEqual(lines, ['READY=1 STATUS=a saved state serves']);
    resolve();
    await eventually(() => lines.length > 1, shown);
    assert.deepEqual(lines.slice(1), ['STATUS=all Services are programmed']);
  });

  test('is not told without rules, also if they cannot be looked at', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { log, lines: logged } = recordingLog();
    let looks = 0;
    const isServing = () => {
      looks++;
      return Promise.reject(new Error('nft is gone'));
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = announceReadiness({ programmed: promise, isServing, progress, log, env, grace: 0.01 });
    await eventually(() => looks > 2 && lines.length > 0, shown);
    assert.deepEqual([...new Set(lines)], ['STATUS=waiting for Services; no rules yet']);
    assert.deepEqual(logged, ['W cannot tell whether the rules of the last run serve: nft is gone']);
    resolve();
    await end;
  });

  test('may take longer while the first fill goes on', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { log } = recordingLog();
    let transactions = 0;
    const grows = () => transactions++;
    const isServing = () => Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = announceReadiness({ programmed: promise, isServing, progress: grows, log, env, grace: 0.01 });
    await eventually(() => lines.length > 0, shown);
    assert.equal(lines[0], 'STATUS=waiting for Services; no rules yet EXTEND_TIMEOUT_USEC=90000000');
    resolve();
    await end;
  });

  test('is nobody’s business without a service manager', async () => {
    const { log, lines } = recordingLog();
    const never = new Promise(() => {});
    await announceReadiness({ programmed: never, isServing: () => Promise.resolve(true), progress, log, env: {} });
    assert.deepEqual(lines, []);
  });

  test('without systemd-notify there is one warning, that says what to do', async () => {
    const { log, lines } = recordingLog();
    const env = { PATH: '/nowhere', NOTIFY_SOCKET: '/nowhere/notify' };
    const isServing = () => Promise.resolve(true);
    await announceReadiness({ programmed: Promise.resolve(), isServing, progress, log, env });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W systemd could not be notified .*ENOENT.*install its program systemd-notify/);
  });
});
