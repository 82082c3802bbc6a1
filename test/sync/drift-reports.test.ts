import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Drift } from '../../src/audit/drift.ts';
import { DriftReports } from '../../src/sync/drift-reports.ts';
import { recordingLog } from '../builders/recording-log.ts';

const MINUTE = 60_000;

const driftOf = (n: number): Drift => ({ kind: 'slot', action: 'deleted', key: `slot ${n}`, message: `slot ${n}` });

function setUp() {
  const { log, lines } = recordingLog();
  const told: boolean[] = [];
  const clock = { now: 0 };
  const observer = { drifted: (_: Drift, isNews: boolean) => void told.push(isNews) };
  const reports = new DriftReports({ family: 'ip', log, observer, now: () => clock.now });
  return { reports, lines, told, clock };
}

suite('what others changed', () => {
  test('is named up to 20 of a look, of which ten are worth an event; all are counted', () => {
    const { reports, lines, told } = setUp();
    reports.report(Array.from({ length: 20 }, (_, n) => driftOf(n)));
    assert.equal(lines.length, 20);
    assert.equal(lines[0], 'W somebody changed our rules (ip): slot 0');
    reports.report(Array.from({ length: 25 }, (_, n) => driftOf(100 + n)));
    assert.equal(lines.length, 41);
    assert.equal(lines.at(-1), 'W somebody changed our rules (ip): 5 more differ');
    assert.equal(told.length, 45);
    assert.equal(told.filter((isNews) => isNews).length, 10);
  });

  test('is named again only after ten minutes', () => {
    const { reports, lines, clock } = setUp();
    const at = [0, 5, 10, 10.1, 15, 20.2];
    const named = at.map((minutes) => {
      clock.now = minutes * MINUTE;
      const before = lines.length;
      reports.report([driftOf(1)]);
      return lines.length > before;
    });
    assert.deepEqual(named, [true, false, false, true, false, true]);
  });
});
