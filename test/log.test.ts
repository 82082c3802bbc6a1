import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createLog, leadsToJournal } from '../src/log.ts';

function lines(verbosity: number, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const written: string[] = [];
  write(createLog(verbosity, (line) => written.push(line)));
  return written;
}

suite('the log', () => {
  test("writes klog's form, with the fields that are defined", () => {
    const [line] = lines(0, (log) => log.info('ready', { services: 3, node: 'node-a', none: undefined }));
    assert.match(line ?? '', /^I\d{4} \d\d:\d\d:\d\d\.\d{6} \d+\] ready services=3 node="node-a"\n$/);
  });

  test('tells severities by the first letter', () => {
    const written = lines(0, (log) => {
      log.warn('w');
      log.error('e');
    });
    assert.deepEqual(
      written.map((line) => line[0]),
      ['W', 'E'],
    );
  });

  test('shows details from their verbosity on', () => {
    const write = (log: ReturnType<typeof createLog>) => log.detail(2, 'transaction done');
    assert.equal(lines(1, write).length, 0);
    assert.equal(lines(2, write).length, 1);
  });

  test('a text from outside cannot forge a second line', () => {
    const [line] = lines(0, (log) => log.warn('bad\nE0101 forged', { text: 'a\nb' }));
    assert.equal(line?.indexOf('\n'), line === undefined ? undefined : line.length - 1);
  });

  test('gives journald the priorities, and only where it is journald that reads', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-log-'));
    try {
      const script = `import { createLog } from ${JSON.stringify(join(import.meta.dirname, '..', 'src', 'log.ts'))};
        const log = createLog(2);
        log.info('i'); log.warn('w'); log.error('e'); log.detail(2, 'd');`;
      const starts = (stream: (fd: number) => string) => {
        const stderr = openSync(join(folder, 'journal'), 'w+');
        const env = { ...process.env, JOURNAL_STREAM: stream(stderr) };
        const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
          env,
          stdio: ['ignore', 'inherit', stderr],
        });
        closeSync(stderr);
        assert.equal(status, 0);
        return readFileSync(join(folder, 'journal'), 'utf8').match(/^.*?(?=\d{4} )/gm);
      };
      const name = (fd: number) => `${fstatSync(fd, { bigint: true }).dev}:${fstatSync(fd, { bigint: true }).ino}`;
      assert.deepEqual(starts(name), ['<6>I', '<4>W', '<3>E', '<6>I']);
      assert.deepEqual(
        starts(() => '1:1'),
        ['I', 'W', 'E', 'I'],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a closed stderr leads to no journal', () => {
    assert.equal(leadsToJournal(987_654, '1:1'), false);
    assert.equal(leadsToJournal(2, undefined), false);
  });
});
