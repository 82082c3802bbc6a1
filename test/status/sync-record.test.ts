import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Drift } from '../../src/audit/drift.ts';
import { SyncRecord } from '../../src/status/sync-record.ts';
import { NO_OBSERVER, type SyncResult } from '../../src/sync/observer.ts';

const DRIFT: Drift = { kind: 'dispatch', action: 'added', message: 'chain dispatch: …', key: 'chain dispatch added' };
const DONE: SyncResult = { kind: 'partial', operations: 2, services: [] };

suite('the record of a syncer', () => {
  const setUp = () => {
    const clock = { now: 1_000 };
    const record = new SyncRecord(() => clock.now);
    return { clock, record, observer: record.before(NO_OBSERVER) };
  };

  test('has since when the first of the changes waits, until they are in force', () => {
    const { clock, record, observer } = setUp();
    observer.queued();
    clock.now = 2_000;
    observer.queued();
    assert.equal(record.report.waitingSince, 1_000);
    observer.began();
    clock.now = 2_009;
    observer.succeeded(DONE);
    assert.equal(record.report.waitingSince, undefined);
    assert.deepEqual(record.report.lastChange, { at: 2_009, milliseconds: 9, operations: 2 });
  });

  test('has no change where nothing was written', () => {
    const { record, observer } = setUp();
    observer.began();
    observer.succeeded({ ...DONE, operations: 0 });
    assert.equal(record.report.lastChange, undefined);
  });

  test('counts failures in a row', () => {
    const { record, observer } = setUp();
    observer.failed(new Error('no'));
    observer.failed(new Error('no'));
    assert.deepEqual([record.report.failures, record.report.waitingSince], [2, 1_000]);
    observer.succeeded(DONE);
    assert.deepEqual([record.report.failures, record.report.waitingSince], [0, undefined]);
  });

  test('has what others did, and what differs since the last look', () => {
    const { clock, record, observer } = setUp();
    observer.compared([DRIFT], 5_000);
    observer.drifted(DRIFT, true);
    clock.now = 3_000;
    observer.drifted(DRIFT, false);
    assert.deepEqual(record.report.lastDrift, { at: 3_000, message: DRIFT.message });
    assert.deepEqual([record.report.drifts, record.report.differences], [2, [DRIFT.message]]);
    observer.compared([], 8_000);
    observer.noticesDeletions(5_000);
    observer.tableLost();
    observer.audited(60_000);
    const { differences, losses, lostAt, rulesComparedAt, rulesComparedEvery, deletedRulesEvery } = record.report;
    assert.deepEqual([differences, losses, lostAt], [[], 1, 3_000]);
    assert.deepEqual([rulesComparedAt, rulesComparedEvery, deletedRulesEvery], [3_000, 8_000, 5_000]);
    clock.now = 4_000;
    observer.audited(undefined);
    assert.deepEqual(
      [record.report.comparedAt, record.report.comparedEvery],
      [4_000, 60_000],
      'a hurried round is no pace',
    );
  });

  test('passes everything on', () => {
    const told: string[] = [];
    const names = Object.keys(NO_OBSERVER) as (keyof typeof NO_OBSERVER)[];
    const next = Object.fromEntries(
      names.map((name) => [name, () => told.push(name)]),
    ) as unknown as typeof NO_OBSERVER;
    const observer = new SyncRecord().before(next);
    observer.queued();
    observer.unaffected();
    observer.began();
    observer.caughtUp();
    observer.succeeded(DONE);
    observer.failed(new Error('no'));
    observer.cleanupFailed();
    observer.verified();
    observer.tableLost();
    observer.drifted(DRIFT, true);
    observer.compared([], 5_000);
    observer.noticesDeletions(5_000);
    observer.audited(60_000);
    assert.deepEqual(told.toSorted(), names.toSorted());
  });
});
