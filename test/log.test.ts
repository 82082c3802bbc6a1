import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLog } from '../src/log.ts';

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
});
