import type { Drift } from '../audit/drift.ts';

/** Work on the kernel that succeeded. */
export interface SyncResult {
  /** `full`: the kernel was read, or the table built anew; `partial`: what changed was written. */
  readonly kind: 'full' | 'partial';
  /** Element operations; 0 if the kernel had everything already. */
  readonly operations: number;
  /** Keys of the Services whose changes are in force now. */
  readonly services: readonly string[];
}

/** Is told of a syncer's work on one family, as it happens. */
export interface SyncObserver {
  /** Something is waiting to be written to the kernel. */
  queued(): void;
  /** A change does not affect this family, and nothing else waits, so it is in force. */
  unaffected(): void;
  /** Work on the kernel begins. */
  began(): void;
  /** The current work includes everything that is known now. */
  caughtUp(): void;
  succeeded(result: SyncResult): void;
  /** Work on the kernel failed: with an NftError because of nft, otherwise because of a bug in this program. */
  failed(error: unknown): void;
  /** Something that is no longer needed could not be deleted. Without `failed`, everything that is needed is in force. */
  cleanupFailed(): void;
  /** A check found our table in place. There is nothing to write, and nothing on its way. */
  verified(): void;
  /** Something of ours was missing in the kernel. */
  tableLost(): void;
  /** Somebody else changed something of ours. `isNews`: it is worth an event. */
  drifted(drift: Drift, isNews: boolean): void;
  /**
   * All rules in the kernel were compared with the model. `differing`: what differs now, whether it is repaired soon or not.
   * `every`: milliseconds until the next comparison.
   */
  compared(differing: readonly Drift[], every: number): void;
  /** A deleted rule is noticed within this many milliseconds. */
  noticesDeletions(every: number): void;
  /**
   * Everything in the kernel has been compared with the model since the last call. `round`: milliseconds since then;
   * undefined if there was a reason to hurry.
   */
  audited(round: number | undefined): void;
}

/** An observer that ignores everything. */
export const NO_OBSERVER: SyncObserver = {
  queued: () => undefined,
  unaffected: () => undefined,
  began: () => undefined,
  caughtUp: () => undefined,
  succeeded: () => undefined,
  failed: () => undefined,
  cleanupFailed: () => undefined,
  verified: () => undefined,
  tableLost: () => undefined,
  drifted: () => undefined,
  compared: () => undefined,
  noticesDeletions: () => undefined,
  audited: () => undefined,
};
