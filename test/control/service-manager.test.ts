import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ServiceManager } from '../../src/control/service-manager.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { serviceManager } from './service-manager-double.ts';

suite('the watchdog', () => {
  test('is fed; while messages do not come through it rests, and a start has more time', async (context) => {
    const { folder, lines, env, shown } = await serviceManager(context);
    const failing = join(folder, 'failing');
    // While "failing" is there, only the process that was started before comes through.
    const script = `#!/bin/sh
      case $1 in EXTEND*) ;; *) if [ -e ${failing} ]; then echo no processes >&2; exit 1; fi;; esac
      PATH=$REAL_PATH exec systemd-notify "$@"`;
    writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o700 });
    const { log, lines: logged } = recordingLog();
    const watched = { ...env, WATCHDOG_USEC: '300000', REAL_PATH: env.PATH, PATH: `${folder}:${env.PATH}` };
    const manager = ServiceManager.of({ env: watched, log, retry: 0.05 }) ?? assert.fail();
    assert.equal(await manager.tell('READY=1'), true);
    void manager.feed();
    const fed = () => lines.filter((line) => line === 'WATCHDOG=1').length;
    await eventually(() => fed() > 1, shown);
    writeFileSync(failing, '');
    await eventually(() => lines.at(-1) === 'EXTEND_TIMEOUT_USEC=600000000 WATCHDOG_USEC=0', shown);
    rmSync(failing);
    await eventually(() => lines.at(-1) === 'WATCHDOG=1 WATCHDOG_USEC=300000', shown);
    const before = fed();
    await eventually(() => fed() > before, shown);
    // And once more: another process was started for it.
    writeFileSync(failing, '');
    await eventually(() => lines.at(-1) === 'EXTEND_TIMEOUT_USEC=600000000 WATCHDOG_USEC=0', shown);
    assert.equal(logged.length, 3, logged.join('\n'));
    assert.match(
      logged[0] ?? '',
      /^W systemd could not be notified \(WATCHDOG=1\): .*no processes.* the watchdog is suspended/s,
    );
    assert.equal(logged[1], 'I systemd can be notified again');
  });

  test('is not begun by a message from before the service is ready', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const broken = { ...env, WATCHDOG_USEC: '60000000' };
    const manager = ServiceManager.of({ env: broken, log: recordingLog().log }) ?? assert.fail();
    manager.keepReserve();
    broken.PATH = '/nowhere';
    assert.equal(await manager.try('STATUS=x'), false);
    await eventually(() => lines.length > 0, shown);
    broken.PATH = env.PATH;
    assert.equal(await manager.try('STATUS=y'), true);
    assert.equal(await manager.try('READY=1'), true);
    assert.equal(await manager.try('WATCHDOG=1'), true);
    await eventually(() => lines.length > 3, shown);
    assert.deepEqual(lines, [
      'EXTEND_TIMEOUT_USEC=600000000 WATCHDOG_USEC=0',
      'STATUS=y',
      'READY=1 WATCHDOG_USEC=60000000',
      'WATCHDOG=1',
    ]);
  });

  test('where there is none, only a start gets more time', async (context) => {
    const { lines, env, shown } = await serviceManager(context);
    const { log, lines: logged } = recordingLog();
    const broken = { ...env };
    const manager = ServiceManager.of({ env: broken, log }) ?? assert.fail();
    await manager.feed();
    manager.keepReserve();
    broken.PATH = '/nowhere';
    assert.equal(await manager.try('STATUS=x'), false);
    await eventually(() => lines.length > 0, shown);
    assert.deepEqual(lines, ['EXTEND_TIMEOUT_USEC=600000000']);
    assert.equal(await manager.tell('STATUS=x'), false);
    assert.equal(logged.length, 1);
  });
});
