import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { KubeObject } from '../../src/objects/decode.ts';
import { StandIn, type StandInOptions } from '../../src/saved-state/stand-in.ts';
import { writeState } from '../../src/saved-state/write.ts';
import { eventually } from '../builders/eventually.ts';
import { NODE_NAME, node, ready, service, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { FakeClock } from '../sync/fake-clock.ts';
import { stateFolder } from './folder.ts';

const SAVED_AT = Date.parse('2026-06-01T12:00:00Z');
const NODE = node({ addresses: ['192.0.2.1'], podCidrs: ['10.244.1.0/24'] });

/** One that waits for its moment, with a state of an hour ago. */
async function standing(context: TestContext, options: Partial<StandInOptions> = {}) {
  const folder = stateFolder(context);
  const endpoints = [ready('10.244.1.5', { nodeName: NODE_NAME }), ready('10.244.2.5')];
  await writeState(folder, { node: NODE_NAME, savedAt: SAVED_AT }, [NODE, service(), slice(endpoints)]);
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const served: (readonly KubeObject[])[] = [];
  let looks = 0;
  const standIn = new StandIn({
    folder,
    nodeName: NODE_NAME,
    maxAge: 86_400_000,
    hasRules: async () => {
      looks++;
      return false;
    },
    onState: (objects) => served.push(objects),
    log,
    clock,
    date: () => SAVED_AT + 3_600_000,
    ...options,
  });
  standIn.begin();
  const shown = () => JSON.stringify({ served, lines });
  return { standIn, clock, served, lines, shown, looks: () => looks };
}

/** Time for the file to be read, if anybody does. */
async function pause(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await setImmediate();
}

suite('the saved state', () => {
  test('is served 3 s after the start, once, without the pods of this node', async (context) => {
    const { standIn, clock, served, lines, shown } = await standing(context);
    await clock.pass(2999);
    await pause();
    assert.equal(served.length, 0);
    standIn.heard(undefined);
    await clock.pass(1);
    await eventually(() => served.length > 0, shown);
    assert.deepEqual(served, [[NODE, service(), slice([ready('10.244.2.5')])]]);
    assert.deepEqual(lines, [
      'W the API server cannot be reached: serving from the state of 2026-06-01T12:00:00.000Z (60.0 min old) until it ' +
        'answers services=1 leftOutPodsOfThisNode=1',
    ]);
    standIn.heard(503);
    await clock.pass(60_000);
    await pause();
    assert.equal(served.length, 1);
  });

  test('is said to be of no known age where the clock is behind it', async (context) => {
    const { clock, lines, served, shown } = await standing(context, { date: () => 0 });
    await clock.pass(3000);
    await eventually(() => served.length > 0, shown);
    assert.match(lines[0] ?? '', /\(its time is ahead of the clock\)/);
  });

  const answers: readonly [title: string, hear: (standIn: StandIn) => void][] = [
    ['answers', (standIn) => standIn.heard(200)],
    ['does not know us', (standIn) => standIn.heard(401)],
    ['refuses us', (standIn) => standIn.heard(403)],
    ['has delivered everything', (standIn) => standIn.end()],
  ];
  for (const [title, hear] of answers) {
    test(`is not served where the API server ${title}`, async (context) => {
      const { standIn, clock, served, looks } = await standing(context);
      await clock.pass(2000);
      hear(standIn);
      await clock.pass(60_000);
      await pause();
      assert.deepEqual([served.length, looks()], [0, 0]);
    });
  }

  test('is not served where the API server answers while the file is read', async (context) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const { standIn, clock, served } = await standing(context, { hasRules: () => promise });
    await clock.pass(3000);
    standIn.heard(200);
    resolve(false);
    await pause();
    assert.equal(served.length, 0);
    // It breaks off: three more seconds.
    standIn.heard(undefined);
    await clock.pass(2999);
    await pause();
    assert.equal(served.length, 0);
    await clock.pass(10_000);
    await eventually(
      () => served.length > 0,
      () => 'nothing is served',
    );
  });

  test('waits while the kernel has rules of ours, or cannot be read: looked at every 10 s, said once', async (context) => {
    const outcomes = [true, true, new Error('nft is gone'), false];
    const hasRules = async () => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return outcome ?? false;
    };
    const { clock, served, lines, shown } = await standing(context, { hasRules });
    await clock.pass(3000);
    for (const left of [3, 2, 1]) {
      await eventually(() => outcomes.length === left, shown);
      await pause();
      assert.equal(served.length, 0);
      await clock.pass(10_000);
    }
    await eventually(() => served.length > 0, shown);
    assert.equal(lines[0], 'I the API server cannot be reached: the rules of the last run stay in force');
    assert.equal(lines.length, 2);
  });

  test('is given up where it is no good, in one line', async (context) => {
    const { standIn, clock, served, lines, shown } = await standing(context, { nodeName: 'node-b' });
    await clock.pass(3000);
    await eventually(() => lines.length > 0, shown);
    assert.match(
      lines[0] ?? '',
      /^W the API server cannot be reached, and the state saved in .* is not used: it is from node "node-a"/,
    );
    standIn.heard(undefined);
    await clock.pass(60_000);
    await pause();
    assert.deepEqual([served.length, lines.length], [0, 1]);
  });
});
