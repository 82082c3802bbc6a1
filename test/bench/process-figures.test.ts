import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  cpuSecondsOf,
  fineCpuSecondsOf,
  memoryOf,
  memoryWithChildren,
  parseCpuSeconds,
  parseStatus,
} from '../../scripts/bench/process-figures.ts';

test('parseStatus: mebibytes of a process, whose name may look like anything', () => {
  const status = 'Name:\tVmRSS: 1 kB\nVmHWM:\t  104448 kB\nVmRSS:\t  102400 kB\nRssAnon:\t   41984 kB\n';
  assert.deepEqual(parseStatus(status), { rss: 100, rssAnon: 41, peak: 102 });
});

test('parseStatus: a process without memory of its own is refused', () => {
  assert.throws(() => parseStatus('Name:\tkthreadd\n'), /no VmRSS/);
});

test('memoryOf: of this process, with its parts in order', () => {
  const { rss, rssAnon, peak } = memoryOf(process.pid);
  assert.ok(0 < rssAnon && rssAnon < rss && rss <= peak);
});

test('parseCpuSeconds: user and system time of the process, and of its ended children', () => {
  const stat = '7 (a) b) S 1 7 7 0 -1 0 1 2 3 4 100 20 30 4 20 0 1 0';
  assert.deepEqual(parseCpuSeconds(stat), { own: 1.2, ended: 0.34 });
});

for (const read of [cpuSecondsOf, fineCpuSecondsOf]) {
  test(`${read.name}: counts what an ended child used`, () => {
    // The ticks of a child that ended: some 10 ms each.
    const childTicks = () => parseCpuSeconds(readFileSync('/proc/self/stat', 'ascii')).ended;
    const [before, endedBefore] = [read(process.pid), childTicks()];
    spawnSync(process.execPath, ['-e', 'for (const end = Date.now() + 200; Date.now() < end; );']);
    const counted = read(process.pid) - before;
    const ended = childTicks() - endedBefore;
    // Sums of hundredths are not exact.
    assert.ok(ended > 0 && counted >= ended - 1e-6, `${counted} of ${ended}`);
  });

  test(`${read.name}: counts what a living child has used`, async () => {
    const child = spawn(process.execPath, ['-e', 'console.log(); process.stdin.resume()']);
    await once(child.stdout, 'data');
    const both = read(process.pid);
    const alone = read(child.pid ?? 0);
    child.kill('SIGKILL');
    assert.ok(alone > 0 && both > alone);
  });
}

test('memoryWithChildren: more than the process alone, and no more than it and the child', async () => {
  const child = spawn(process.execPath, ['-e', 'console.log(); process.stdin.resume()']);
  await once(child.stdout, 'data');
  const [both, own, childs] = [memoryWithChildren(process.pid), memoryOf(process.pid), memoryOf(child.pid ?? 0)];
  child.kill('SIGKILL');
  assert.ok(both.rssAnon > childs.rssAnon && both.rss > childs.rss);
  assert.ok(both.rss > own.rss && both.rss < 2 * (own.rss + childs.rss));
});

test('of a process that has ended there are no figures', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  assert.throws(() => cpuSecondsOf(child.pid ?? 0), /ENOENT/);
});
