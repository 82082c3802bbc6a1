import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MemorySaver } from '../../src/daemon/memory-saver.ts';
import { FakeClock } from '../sync/fake-clock.ts';

const ON = '--memory-saver-mode --heap-growing-percent=0';
const OFF = '--no-memory-saver-mode --heap-growing-percent=50';

function saver() {
  const clock = new FakeClock();
  const flags: string[] = [];
  return { clock, flags, memory: new MemorySaver(clock, (flag) => flags.push(flag)) };
}

suite('memory is saved', () => {
  test('once everything is in force, and not before', () => {
    const { flags, memory } = saver();
    memory.worked(100_000);
    assert.deepEqual(flags, []);
    memory.begin();
    memory.begin();
    assert.deepEqual(flags, [ON]);
  });

  test('but not during a burst, until ten seconds after its end', async () => {
    const { clock, flags, memory } = saver();
    memory.begin();
    for (let i = 0; i < 3000; i++) memory.worked(1);
    assert.deepEqual(flags, [ON, OFF]);
    await clock.pass(8000);
    memory.worked(5000);
    await clock.pass(9000);
    assert.deepEqual(flags, [ON, OFF]);
    await clock.pass(2000);
    assert.deepEqual(flags, [ON, OFF, ON]);
    memory.worked(5000);
    assert.deepEqual(flags, [ON, OFF, ON, OFF]);
  });

  test('while changes come in a small number, however long', async () => {
    const { clock, flags, memory } = saver();
    memory.begin();
    for (let i = 0; i < 100; i++) {
      memory.worked(90);
      await clock.pass(100);
    }
    assert.deepEqual(flags, [ON]);
  });
});
