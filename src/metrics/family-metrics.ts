import type { HeartbeatOutcome } from '../heartbeat/heartbeat.ts';
import { FAMILY_NAMES, type Family } from '../ip.ts';
import type { SyncObserver } from '../sync/observer.ts';
import type { Instruments } from './instruments.ts';
import type { NoLocalEndpoints } from './no-local-endpoints.ts';

/** What is recorded for one family: its syncer's work, and more. */
export interface FamilyMetrics extends SyncObserver {
  /** Which Services lack local endpoints. */
  readonly noLocalEndpoints: NoLocalEndpoints;
  /** Milliseconds that the oldest change has been waiting to take effect; 0: none is waiting. */
  readonly waiting: number;
  /** The elements of all sets and maps. */
  elements(count: number): void;
  /** The UDP entries of conntrack were checked in `seconds`, and `deleted` of them were deleted. */
  conntrackReconciled(seconds: number, deleted: number): void;
  /** This many connections to endpoints that are gone were removed from conntrack. */
  goneConnectionsEnded(count: number): void;
  /** The sockets that listen for node ports on loopback addresses. */
  localhostListeners(count: number): void;
  localhostListenerFailed(): void;
  /** The result of a heartbeat. */
  heartbeat(outcome: HeartbeatOutcome): void;
}

/** Milliseconds: since 1970, and of a clock that is never set. */
export interface Clock {
  now(): number;
  elapsed(): number;
}

/** Follows a change until it is in force. */
export interface ChangeTracker {
  taken(family: Family): void;
  synced(family: Family, now: number): void;
  failed(family: Family): void;
}

/** The metrics of one family. They report its syncs to `trackers`. */
export function familyMetrics(
  family: Family,
  instruments: Instruments,
  noLocalEndpoints: NoLocalEndpoints,
  trackers: readonly ChangeTracker[],
  clock: Clock,
): FamilyMetrics {
  const labels = { ip_family: FAMILY_NAMES[family] };
  let begun = clock.elapsed();
  let waitingSince: number | undefined;
  const wait = () => {
    waitingSince ??= clock.elapsed();
  };
  const upToDate = () => {
    waitingSince = undefined;
    instruments.lastSynced.set(family, clock.now() / 1000);
  };
  return {
    noLocalEndpoints,
    get waiting() {
      return waitingSince === undefined ? 0 : clock.elapsed() - waitingSince;
    },
    queued: () => {
      wait();
      instruments.lastQueued.set(family, clock.now() / 1000);
    },
    unaffected: () => {
      waitingSince = undefined;
      for (const tracker of trackers) {
        tracker.taken(family);
        tracker.synced(family, clock.now());
      }
    },
    began: () => {
      begun = clock.elapsed();
    },
    caughtUp: () => {
      for (const tracker of trackers) tracker.taken(family);
    },
    succeeded: ({ kind, operations }) => {
      const seconds = (clock.elapsed() - begun) / 1000;
      instruments.sync.observe(labels, seconds);
      instruments[kind === 'full' ? 'fullSync' : 'partialSync'].observe(labels, seconds);
      instruments.operations.inc(labels, operations);
      upToDate();
      for (const tracker of trackers) tracker.synced(family, clock.now());
    },
    failed: () => {
      wait();
      instruments.syncFailures.inc(labels);
      for (const tracker of trackers) tracker.failed(family);
    },
    verified: upToDate,
    tableLost: () => {
      wait();
      instruments.repairs.inc(labels);
    },
    drifted: ({ kind, action }) => {
      instruments.drift.inc({ ...labels, kind, action });
      instruments.repairs.inc(labels);
    },
    compared: (differing) => instruments.ruleDifferences.set(family, differing.length),
    noticesDeletions: () => undefined,
    audited: () => instruments.lastAudit.set(family, clock.now() / 1000),
    cleanupFailed: () => instruments.cleanupFailures.inc(labels),
    elements: (count) => instruments.elements.set(family, count),
    conntrackReconciled: (seconds, deleted) => {
      instruments.conntrack.observe(labels, seconds);
      instruments.conntrackDeleted.inc(labels, deleted);
    },
    goneConnectionsEnded: (count) => instruments.goneConnections.inc(labels, count),
    localhostListeners: (count) => instruments.localhostListeners.set(family, count),
    localhostListenerFailed: () => instruments.localhostFailures.inc(labels),
    heartbeat: (outcome) => instruments.heartbeats.inc({ ...labels, outcome }),
  };
}
