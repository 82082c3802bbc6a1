import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ToldOnce } from '../../src/sync/told-once.ts';
import { recordingLog } from '../builders/recording-log.ts';

const HOUR = 3_600_000;

function setUp() {
  const { log, lines } = recordingLog();
  const clock = { now: 0 };
  const told = new ToldOnce({ log, enough: 'things were reported', events: 20, now: () => clock.now });
  const events: string[] = [];
  const tell = (key: string, namespace?: string) => {
    if (told.tell(key, () => key, namespace)) events.push(key);
  };
  const tellMany = (namespace: string | undefined, count: number, from = 0) => {
    for (let i = from; i < from + count; i++) tell(`${namespace}/${i}`, namespace);
  };
  return { tell, tellMany, lines, events, clock };
}

suite('what is told once', () => {
  test('has 100 lines and 20 events an hour where it is of no namespace', () => {
    const { tellMany, lines, events, clock } = setUp();
    tellMany(undefined, 200);
    assert.deepEqual([lines.length, events.length], [101, 20]);
    assert.equal(lines.at(-1), 'W 100 things were reported; further ones in this hour are logged only at -v 2');
    clock.now = HOUR - 1;
    tellMany(undefined, 200, 200);
    assert.equal(lines.length, 101);
    clock.now = HOUR;
    tellMany(undefined, 200, 400);
    assert.deepEqual([lines.length, events.length], [202, 40]);
  });

  test('has a quarter of them for one namespace, with one line that says so, and again in the next hour', () => {
    const { tellMany, lines, events, clock } = setUp();
    tellMany('a', 200);
    assert.deepEqual([lines.length, events.length], [26, 5]);
    assert.equal(
      lines.at(-1),
      'W 25 things were reported in namespace a alone; further ones there in this hour are logged only at -v 2',
    );
    clock.now = HOUR;
    tellMany('a', 200, 200);
    assert.deepEqual([lines.length, events.length], [52, 10]);
  });

  test('has room for a bystander, however much eight namespaces have told', () => {
    const { tell, tellMany, lines, events } = setUp();
    for (let i = 0; i < 8; i++) tellMany(`tenant-${i}`, 500);
    tell('bystander/web', 'bystander');
    assert.ok(lines.includes('W bystander/web'));
    assert.ok(events.includes('bystander/web'));
  });

  test('has no more than 100 lines and 20 events of all namespaces together', () => {
    const { tellMany, lines, events } = setUp();
    for (let i = 0; i < 500; i++) tellMany(`tenant-${i}`, 3);
    assert.equal(events.length, 20);
    assert.equal(lines.filter((line) => /^W tenant-\d+\/\d+$/.test(line)).length, 100);
  });

  test('uses up only the room of its own namespace, however often it comes and goes', () => {
    const { tell, tellMany, lines, events, clock } = setUp();
    tell('bystander/old', 'bystander');
    // More than are remembered, so that each is news again in the next round.
    for (let round = 0; round < 3; round++) tellMany('tenant', 2000);
    assert.deepEqual([lines.length, events.length], [27, 6]);
    tell('bystander/old', 'bystander');
    assert.deepEqual([lines.length, events.length], [27, 6]);
    tell('bystander/new', 'bystander');
    assert.deepEqual([lines.length, events.length], [28, 7]);
    clock.now = HOUR;
    tellMany('tenant', 2000);
    tell('bystander/old', 'bystander');
    assert.equal(lines.filter((line) => line === 'W bystander/old').length, 1);
  });
});
