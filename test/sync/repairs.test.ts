import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ElementDifference } from '../../src/audit/drift.ts';
import type { SetOrMap } from '../../src/ruleset/elements/set-or-map.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import type { Recording } from '../../src/sync/flights.ts';
import { Repairs } from '../../src/sync/repairs.ts';

const PROGRAM = buildProgram('ip', {});

function containerOf(name: string): SetOrMap {
  return PROGRAM.setsAndMaps.find((setOrMap) => setOrMap.name === name) ?? assert.fail(name);
}

const missing = (name: string, key: string): ElementDifference => ({
  setOrMap: containerOf(name),
  key,
  expected: { value: '', comment: '' },
  found: undefined,
});

/** Knows which keys are touched, and how often it was stopped. */
function recording(touched: readonly string[] = []) {
  let stops = 0;
  const own: Recording = { touches: (_, key) => touched.includes(key), stop: () => void stops++ };
  return { own, stops: () => stops };
}

suite('elements to be repaired', () => {
  test('come by the harm that is done, whoever found them', () => {
    const repairs = new Repairs();
    assert.equal(repairs.areThere, false);
    repairs.addElements([missing('cluster-ips', 'a'), missing('endpoints-tcp', 'b')], recording().own);
    repairs.addElements([missing('hairpin', 'c'), missing('services', 'd')], recording().own);
    assert.equal(repairs.areThere, true);
    assert.deepEqual(
      repairs.takeElements().map(({ key }) => key),
      ['d', 'b', 'a', 'c'],
    );
    assert.equal(repairs.areThere, false);
    assert.deepEqual(repairs.takeElements(), []);
  });

  test('are 500 at a time, and the recording ends once with the last of them', () => {
    const repairs = new Repairs();
    const { own, stops } = recording();
    repairs.addElements(
      Array.from({ length: 501 }, (_, i) => missing('services', `${i}`)),
      own,
    );
    assert.equal(repairs.takeElements().length, 500);
    assert.equal(stops(), 0);
    assert.equal(repairs.takeElements().length, 1);
    assert.equal(stops(), 1);
  });

  test('are left out where transactions of our own have touched them', () => {
    const repairs = new Repairs();
    const { own, stops } = recording(['a']);
    repairs.addElements([missing('services', 'a'), missing('services', 'b')], own);
    assert.deepEqual(
      repairs.takeElements().map(({ key }) => key),
      ['b'],
    );
    assert.equal(stops(), 1);
  });

  test('that are none end the recording at once', () => {
    const { own, stops } = recording();
    const repairs = new Repairs();
    repairs.addElements([], own);
    assert.equal(stops(), 1);
    assert.equal(repairs.areThere, false);
  });
});

suite('repairs that are forgotten', () => {
  test('are done with, rules and elements', () => {
    const repairs = new Repairs();
    const { own, stops } = recording();
    let done = 0;
    const rules = { commands: ['{}'], isValid: () => true, done: () => void done++ };
    repairs.addRules(rules);
    assert.equal(repairs.areThere, true);
    repairs.addElements([missing('services', 'a'), missing('services', 'b')], own);
    repairs.clear();
    assert.deepEqual([done, stops(), repairs.areThere, repairs.takeRules()], [1, 1, false, undefined]);
  });
});
