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

/** Told of a syncer's work on one family, as it happens. */
export interface SyncObserver {
  /** Something waits to be brought to the kernel. */
  queued(): void;
  /** A change was nothing to this family, and nothing else of it waits: it is in force. */
  unaffected(): void;
  /** Work on the kernel begins. */
  began(): void;
  /** The work at hand takes in everything that was known by now. */
  caughtUp(): void;
  succeeded(result: SyncResult): void;
  /** Work on the kernel failed: an NftError where nft did, else a fault of this program. */
  failed(error: unknown): void;
  /** Something that is no longer needed could not be deleted. Without `failed`, what is needed is in force. */
  cleanupFailed(): void;
  /** A look at the kernel found our table in place; there is nothing to write, and nothing on its way. */
  verified(): void;
  /** Something of ours was missing in the kernel. */
  tableLost(): void;
  /** Somebody else changed something of ours. `isNews`: it is worth an event, too. */
  drifted(drift: Drift, isNews: boolean): void;
  /**
   * All rules in the kernel were compared with the model: what differs of them now, be it mended soon or not. `every`:
   * milliseconds until they are compared again.
   */
  compared(differing: readonly Drift[], every: number): void;
  /** That a rule of ours is not there any more is noticed within so many milliseconds. */
  noticesDeletions(every: number): void;
  /**
   * Everything in the kernel has been compared with the model since this was told before. `round`: milliseconds since then;
   * undefined where there was a reason to hurry.
   */
  audited(round: number | undefined): void;
}

/** For those who do not want to know. */
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
