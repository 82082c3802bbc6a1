import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SYSTEM_CLOCK } from '../../src/sync/clock.ts';

suite('the clock of the system', () => {
  test('ends a sleep when its signal aborts, before or during it', async () => {
    const stop = new AbortController();
    const sleeping = SYSTEM_CLOCK.sleep(600_000, stop.signal);
    stop.abort();
    await sleeping;
    await SYSTEM_CLOCK.sleep(600_000, stop.signal);
  });

  test('does not hide another failure of a sleep', async () => {
    await assert.rejects(SYSTEM_CLOCK.sleep(1, 'no signal' as unknown as AbortSignal), TypeError);
  });

  test('calls back unless that was cancelled', async () => {
    const called: string[] = [];
    SYSTEM_CLOCK.after(1, () => called.push('cancelled'))();
    await new Promise<void>((resolve) => {
      SYSTEM_CLOCK.after(2, () => {
        called.push('called');
        resolve();
      });
    });
    assert.deepEqual(called, ['called']);
  });
});
