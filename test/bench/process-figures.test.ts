import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { cpuSecondsOf, memoryOf, parseCpuSeconds, parseStatus } from '../../scripts/bench/process-figures.ts';

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

test('parseCpuSeconds: user and system time of the process and its ended children', () => {
  assert.equal(parseCpuSeconds('7 (a) b) S 1 7 7 0 -1 0 1 2 3 4 100 20 30 4 20 0 1 0'), 1.54);
});

test('cpuSecondsOf: counts what a child used', () => {
  const before = cpuSecondsOf(process.pid);
  spawnSync(process.execPath, ['-e', 'for (const end = Date.now() + 200; Date.now() < end; );']);
  assert.ok(cpuSecondsOf(process.pid) > before);
});
