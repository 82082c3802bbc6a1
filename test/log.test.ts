import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createLog, type Log, leadsToJournal } from '../src/log.ts';
import type { LogFormat } from '../src/log-line.ts';

function lines(verbosity: number, write: (log: Log) => void, format: LogFormat = 'text'): string[] {
  const written: string[] = [];
  write(createLog(verbosity, (line) => written.push(line), format));
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
      log.error('e', 'why');
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

  test('says why something failed after the message', () => {
    const [line = ''] = lines(0, (log) => log.error('a transaction failed', 'File exists', { family: 'ip' }));
    assert.match(line, /^E.*\] a transaction failed: File exists family="ip"\n$/);
  });

  test('a value from outside cannot talk to the reader’s terminal, nor turn the line around', () => {
    for (const format of ['text', 'json'] as const) {
      const [line = ''] = lines(0, (log) => log.warn('w', { name: '\u001b[2J\u009b2J\u202e\u2028\u007f' }), format);
      assert.ok(line.includes('name') && line.includes('\\u001b[2J\\u009b2J\\u202e\\u2028\\u007f'), line);
    }
  });

  for (const format of ['text', 'json'] as const) {
    test(`gives journald the priorities, and only where it is journald that reads (${format})`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'kpn-log-'));
      try {
        const script = `import { createLog } from ${JSON.stringify(join(import.meta.dirname, '..', 'src', 'log.ts'))};
        const log = createLog(2, undefined, '${format}');
        log.info('i'); log.warn('w'); log.error('e', 'why'); log.detail(2, 'd');`;
        const starts = (stream: (fd: number) => string) => {
          const stderr = openSync(join(folder, 'journal'), 'w+');
          const env = { ...process.env, JOURNAL_STREAM: stream(stderr) };
          const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
            env,
            stdio: ['ignore', 'inherit', stderr],
          });
          closeSync(stderr);
          assert.equal(status, 0);
          return readFileSync(join(folder, 'journal'), 'utf8').match(/^(?:<\d>)?(?:[IWE]|\{)/gm);
        };
        const name = (fd: number) => `${fstatSync(fd, { bigint: true }).dev}:${fstatSync(fd, { bigint: true }).ino}`;
        const [info, warning, error] = format === 'json' ? ['{', '{', '{'] : ['I', 'W', 'E'];
        assert.deepEqual(starts(name), [`<6>${info}`, `<4>${warning}`, `<3>${error}`, `<6>${info}`]);
        assert.deepEqual(
          starts(() => '1:1'),
          [info, warning, error, info],
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  test('a closed stderr leads to no journal', () => {
    assert.equal(leadsToJournal(987_654, '1:1'), false);
    assert.equal(leadsToJournal(2, undefined), false);
  });
});

suite('the log as JSON', () => {
  const objects = (verbosity: number, write: (log: Log) => void): Record<string, unknown>[] =>
    lines(verbosity, write, 'json').map((line) => JSON.parse(line));

  test('has Kubernetes’ keys: ts in milliseconds, msg, v, and those of the line', () => {
    const before = Date.now();
    const [line = ''] = lines(
      0,
      (log) => log.info('ready', { services: 3, node: 'node-a', on: true, none: undefined }),
      'json',
    );
    assert.match(line, /^\{"ts":\d+(?:\.\d+)?,"msg":"ready","v":0,"services":3,"node":"node-a","on":true\}\n$/);
    const { ts } = JSON.parse(line);
    assert.ok(ts >= before && ts <= Date.now(), `${ts}`);
  });

  test('tells what is wrong: a warning by its severity, an error by err and without v', () => {
    const [warning, error] = objects(0, (log) => {
      log.warn('odd', { family: 'ip' });
      log.error('a transaction failed', 'File exists', { family: 'ip' });
    });
    assert.deepEqual({ ...warning, ts: 0 }, { ts: 0, msg: 'odd', v: 0, severity: 'warning', family: 'ip' });
    assert.deepEqual({ ...error, ts: 0 }, { ts: 0, msg: 'a transaction failed', family: 'ip', err: 'File exists' });
  });

  test('shows details from their verbosity on, with it as v', () => {
    const write = (log: Log) => log.detail(2, 'transaction done');
    assert.deepEqual(objects(1, write), []);
    assert.deepEqual(
      objects(2, write).map(({ v }) => v),
      [2],
    );
  });

  test('is one line for each message, whatever is in it', () => {
    const texts = ['a\nb\r\n{"msg":"forged"}', '"', '\\', '\ud800', 'é😀'];
    for (const text of texts) {
      const [line = '', ...others] = lines(0, (log) => log.error(text, text, { text }), 'json');
      assert.deepEqual(others, []);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.equal(JSON.parse(line).text, text);
    }
  });
});
