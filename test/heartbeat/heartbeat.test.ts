import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Heartbeat } from '../../src/heartbeat/heartbeat.ts';
import type { InitialSync } from '../../src/heartbeat/heartbeat-sockets.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { FakeSockets } from './fake-sockets.ts';

function start() {
  const sockets = new FakeSockets();
  const { log, lines } = recordingLog();
  const outcomes: string[] = [];
  const looks: string[] = [];
  const state = { now: 0, isInForce: true };
  const heart = new Heartbeat({
    family: 'ip',
    sockets,
    isInForce: () => state.isInForce,
    look: (reason) => looks.push(reason),
    onOutcome: (outcome) => outcomes.push(outcome),
    log,
    clock: { now: () => state.now },
  });
  /** Beats half a second apart; `arrivals`: of each beat, where it and the one that follows it at once arrive. */
  const beats = (...arrivals: readonly (readonly InitialSync[])[]) => {
    for (const where of arrivals) {
      state.now += 500;
      sockets.arrivals.splice(0, Infinity, ...where);
      heart.beat(false);
    }
  };
  const times = (count: number, ...where: readonly InitialSync[]) =>
    new Array<readonly InitialSync[]>(count).fill(where);
  return { heart, sockets, outcomes, looks, lines, state, beats, times };
}

suite('a heartbeat', () => {
  test('that our rules lead on is well, and nothing follows', () => {
    const { beats, times, outcomes, looks, lines } = start();
    beats(...times(3, 'back'));
    assert.deepEqual(outcomes, ['well', 'well', 'well']);
    assert.deepEqual([looks, lines], [[], []]);
  });

  test('that meets no rule is lost if a second one does not either: it is told, and the kernel looked at', () => {
    const { beats, outcomes, looks, lines } = start();
    beats(['front', 'front']);
    assert.deepEqual(outcomes, ['lost']);
    assert.deepEqual(looks, ['a heartbeat met none of our rules']);
    assert.match(lines.join('\n'), /^W a heartbeat met none of our rules: checking whether they exist/);
  });

  test('that meets no rule is nothing if the second one is led on: conntrack knew its port', () => {
    const { beats, outcomes, looks } = start();
    beats(['front', 'back']);
    assert.deepEqual([outcomes, looks], [['well'], []]);
  });

  test('that does not arrive until the next one leads to a look, and to nothing else', () => {
    const { beats, outcomes, looks, lines } = start();
    beats([], []);
    assert.deepEqual(outcomes, ['unknown']);
    assert.deepEqual(looks, ['a heartbeat did not arrive']);
    assert.deepEqual(lines, []);
  });

  test('that cannot be sent leads to a look at once', () => {
    const { beats, outcomes, looks } = start();
    beats(['nowhere']);
    assert.deepEqual([outcomes, looks.length], [['unknown'], 1]);
  });

  test('is not judged where this process is late, or no table is in force', () => {
    const { heart, sockets, beats, outcomes, state } = start();
    beats([]);
    heart.beat(true);
    assert.deepEqual([sockets.sent, sockets.isBeating], [1, false], 'forgotten, and none sent');
    beats([]);
    state.isInForce = false;
    beats([], []);
    assert.equal(sockets.sent, 2);
    state.isInForce = true;
    beats(['back']);
    assert.deepEqual(outcomes, ['well']);
  });

  test('that is on its way while the table is lost tells nothing', () => {
    const { heart, sockets, outcomes, looks, state } = start();
    heart.beat(false);
    state.isInForce = false;
    sockets.giveUp();
    assert.deepEqual([outcomes, looks], [[], []]);
  });

  test('that stays silent leads to ever fewer looks, an hour apart in the end', () => {
    const { beats, times, looks } = start();
    beats(...times(50, 'nowhere'));
    assert.equal(looks.length, 4, 'after 0, 1, 5 and 21 s');
    for (let hour = 0; hour < 24; hour++) beats(...times(7200, 'nowhere'));
    assert.ok(looks.length < 4 + 4 + 24, `${looks.length}`);
  });

  test('that comes and goes does not lead to more looks, one that was well for ten seconds does', () => {
    const { beats, times, looks } = start();
    for (let i = 0; i < 1000; i++) beats(['nowhere'], ['back']);
    assert.ok(looks.length < 8, `${looks.length}`);
    const before = looks.length;
    beats(...times(20, 'back'), ['nowhere']);
    assert.equal(looks.length, before + 1);
  });

  test('is told of as silent after ten seconds, once, and again when it is well', () => {
    const { beats, times, lines } = start();
    beats(...times(19, 'nowhere'));
    assert.deepEqual(lines, []);
    beats(...times(200, 'nowhere'));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W heartbeats do not arrive: another program drops UDP on loopback/);
    beats(['back']);
    assert.match(lines.at(-1) ?? '', /^I heartbeats reach our rules again/);
  });

  test('that goes on meeting no rule is told of as passed by: another program may do that', () => {
    const { beats, times, lines } = start();
    beats(...times(100, 'front', 'front'));
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^W heartbeats still meet none of our rules\. .*notrack/);
  });

  test('that is lost and well by turns is told of once a minute', () => {
    const { beats, times, lines } = start();
    for (let i = 0; i < 120; i++) beats(['front', 'front'], ...times(3, 'back'));
    assert.equal(lines.filter((line) => line.startsWith('W')).length, 4, 'in four minutes');
  });
});
