import { pauseAfter, spread } from '../host/backoff.ts';
import type { TableName } from '../nft/tables.ts';

/** What is known of the kernel's table of one family. */
export type SyncState =
  /** None of our tables is known to serve. `attempt`: how often work on one has failed in a row. */
  | ({ readonly is: 'empty' } & Failures)
  /** This table is in force, and equal to the model except for changes since the last transaction. */
  | { readonly is: 'live'; readonly table: TableName }
  /** This table may be in force, and may differ from the model in any way. */
  | ({ readonly is: 'doubted'; readonly table: TableName } & Failures);

/** Failures in a row. */
interface Failures {
  readonly attempt: number;
  /** How many of them happened because nft was killed, or crashed, within its time limit; absent: none. */
  readonly kills?: number;
}

/** What happened to it. */
export type SyncEvent =
  /** A table was built, or read and repaired. */
  | { readonly event: 'settled'; readonly table: TableName }
  /** A transaction, or other work on the kernel, failed or has an unknown outcome. */
  | { readonly event: 'failed'; readonly isKill?: boolean }
  /** nft refused a transaction, so nothing of it is in force. What is known of the table stays valid. */
  | { readonly event: 'refused' }
  /** A check did not find our table, or its hooks. */
  | { readonly event: 'gone' };

/** What is to be done. */
export type SyncAction =
  /** Send what changed. */
  | 'send'
  /** Read the kernel, and write the difference; build a table if there is none. */
  | 'repair'
  /** Build a new table beside existing ones. */
  | 'build';

/** Nothing is known: the daemon has just started. */
export const UNKNOWN: SyncState = { is: 'empty', attempt: 0 };

/**
 * After this many failures in a row, it may be impossible to repair the table by writing the differences, so a new table is
 * built. If that fails, too, the reason may be another one, and both are tried in turn: repairing takes less of nft.
 */
const REPAIRS = 2;

/** Milliseconds before failed work is tried again: at once, then the first delay, doubled each time up to the last. */
const RETRY_DELAYS = { first: 100, most: 30_000 };

/**
 * This many kills in a row do not lengthen the delay. The OOM killer and operators kill at times of their own, so the next attempt
 * may well succeed.
 */
const PATIENCE = 20;

/** What is known after something happened. */
export function step(state: SyncState, event: SyncEvent): SyncState {
  switch (event.event) {
    case 'settled':
      return { is: 'live', table: event.table };
    case 'gone':
      return UNKNOWN;
    case 'refused':
      if (state.is === 'live') return state;
      return { ...state, attempt: state.attempt + 1 };
    case 'failed':
      return failed(state, event.isKill === true);
  }
}

function failed(state: SyncState, isKill: boolean): SyncState {
  if (state.is === 'live') return { is: 'doubted', table: state.table, attempt: 1, ...(isKill && { kills: 1 }) };
  return { ...state, attempt: state.attempt + 1, ...(isKill && { kills: (state.kills ?? 0) + 1 }) };
}

/** What is to be done next. */
export function actionFor(state: SyncState): SyncAction {
  if (state.is === 'live') return 'send';
  return state.attempt < REPAIRS || state.attempt % 2 === 1 ? 'repair' : 'build';
}

/** How many milliseconds to wait before the next action. */
export function delayBefore(state: SyncState): number {
  if (state.is === 'live' || state.attempt <= 1) return 0;
  const { attempt, kills = 0 } = state;
  return pauseAfter(Math.max(1, attempt - 1 - Math.min(kills, PATIENCE)), RETRY_DELAYS);
}

/** A random moment within the second half of that delay. What makes the work fail may come back at regular intervals. */
export function retryDelay(state: SyncState): number {
  return Math.round(spread(delayBefore(state)));
}
