import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Drift } from '../../src/audit/drift.ts';
import { ChangeLog } from '../../src/page/change-log.ts';
import { StepRing } from '../../src/page/step-ring.ts';
import { NO_OBSERVER, type SyncObserver, type SyncResult } from '../../src/sync/observer.ts';

const DRIFT: Drift = {
  kind: 'dispatch',
  action: 'added',
  message: 'chain dispatch: a rule',
  key: 'chain dispatch added',
};

function setUp(next: SyncObserver = NO_OBSERVER) {
  const clock = { now: 0 };
  const elapsed = () => clock.now;
  const ring = new StepRing(elapsed);
  const log = new ChangeLog({ ring, date: () => 1_000_000 + clock.now, elapsed });
  const done = (changes: Partial<SyncResult> = {}): SyncResult => ({
    kind: 'partial',
    operations: 1,
    services: [],
    ...changes,
  });
  return { clock, ring, log, observer: log.before('ip', next), done };
}

suite('the log of changes', () => {
  test('has how long a change took from when it was known', () => {
    const { clock, ring, log, observer, done } = setUp();
    clock.now = 100;
    observer.queued();
    clock.now = 110;
    observer.queued();
    observer.began();
    clock.now = 125;
    observer.succeeded(done({ services: ['default/web'] }));
    const told = {
      at: 1_000_125,
      family: 'ip',
      milliseconds: 25,
      operations: 1,
      isFull: false,
      services: 1,
      keys: ['default/web'],
    };
    assert.deepEqual(log.changes, [told]);
    assert.equal(ring.history(0).longest.at(-1), 25);
  });

  test('has a fill, which is no change of the cluster and not among its times', () => {
    const { ring, log, observer, done } = setUp();
    observer.began();
    observer.succeeded(done({ kind: 'full' }));
    assert.equal(log.changes[0]?.isFull, true);
    assert.equal(ring.history(0).changes.at(-1), 0);
  });

  test('has nothing of what was nothing to the kernel', () => {
    const { ring, log, observer, done } = setUp();
    observer.succeeded(done({ operations: 0 }));
    assert.deepEqual([log.changes, ring.history(0).changes.at(-1)], [[], 0]);
  });

  test('has what others did', () => {
    const { log, observer } = setUp();
    observer.drifted(DRIFT, true);
    observer.tableLost();
    observer.drifted({ ...DRIFT, message: 'x'.repeat(5000) }, false);
    assert.deepEqual(
      log.drifts.map(({ message }) => message.length),
      [300, 'the table, or part of it, was removed'.length, DRIFT.message.length],
    );
  });

  test('tells which Services changed since, each once', () => {
    const { log, observer, done } = setUp();
    observer.succeeded(done({ services: ['a/a', 'a/b'] }));
    const { sequence } = log;
    assert.deepEqual(log.changedSince(sequence), []);
    observer.succeeded(done({ services: ['a/b', 'a/c'] }));
    observer.succeeded(done({ services: ['a/c'] }));
    assert.deepEqual(log.changedSince(sequence), ['a/b', 'a/c']);
    assert.deepEqual(log.changedSince(0), ['a/a', 'a/b', 'a/c']);
    assert.equal(log.changedSince(log.sequence + 1), undefined, 'of another daemon');
  });

  test('stays small, whatever happens, and says what it does not know', () => {
    const { log, observer, done } = setUp();
    const services = (from: number, count: number) => Array.from({ length: count }, (_, i) => `a/${from + i}`);
    observer.succeeded(done({ services: services(0, 30_000) }));
    assert.equal(log.changedSince(0), undefined);
    assert.deepEqual(log.changedSince(log.sequence), []);
    const { sequence } = log;
    for (let i = 0; i < 500; i++) {
      observer.succeeded(done({ services: services(i * 10, 10) }));
      observer.drifted(DRIFT, false);
    }
    assert.equal(log.changedSince(sequence), undefined);
    assert.equal(log.changedSince(log.sequence - 10)?.length, 100);
    assert.equal(log.changes.length, 50);
    assert.equal(log.drifts.length, 50);
    assert.ok(log.changes.every(({ keys }) => keys.length <= 5));
  });

  test('passes everything on', () => {
    const told: string[] = [];
    const next = Object.fromEntries(Object.keys(NO_OBSERVER).map((name) => [name, () => told.push(name)]));
    const { observer, done } = setUp(next as unknown as SyncObserver);
    observer.queued();
    observer.unaffected();
    observer.began();
    observer.caughtUp();
    observer.succeeded(done());
    observer.failed(new Error('x'));
    observer.cleanupFailed();
    observer.verified();
    observer.tableLost();
    observer.drifted(DRIFT, true);
    observer.compared([], 1);
    observer.noticesDeletions(1);
    observer.audited(1);
    assert.deepEqual(told, Object.keys(NO_OBSERVER));
  });
});
