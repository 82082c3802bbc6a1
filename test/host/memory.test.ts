import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite, test } from 'node:test';
import { readMemory } from '../../src/host/memory.ts';

const MODULE = join(import.meta.dirname, '..', '..', 'src', 'host', 'memory.ts');

suite('the memory there is', () => {
  test('is the machine’s, unless this process’ cgroup has less', () => {
    const { available, isOwn } = readMemory();
    assert.equal(isOwn, available < totalmem());
    assert.ok(available > 0 && available <= totalmem(), `${available}`);
  });

  test('has the limit of the heap', () => {
    const script = `import(${JSON.stringify(MODULE)}).then(({ readMemory }) => console.log(readMemory().heap))`;
    const heap = Number(
      execFileSync(process.execPath, ['--max-old-space-size=100', '-e', script], { encoding: 'utf8' }),
    );
    assert.ok(heap >= 100 * 2 ** 20 && heap < 400 * 2 ** 20, `${heap}`);
  });
});
