import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { actionFor, delayBefore, type SyncEvent, type SyncState, step, UNKNOWN } from '../../src/sync/state.ts';

const TABLE = 'kube-proxy-nft';
const LIVE: SyncState = { is: 'live', table: TABLE };
const SETTLED: SyncEvent = { event: 'settled', table: TABLE };
const FAILED: SyncEvent = { event: 'failed' };
const KILLED: SyncEvent = { event: 'failed', isKill: true };

const doubted = (attempt: number, kills = 0): SyncState => ({
  ...{ is: 'doubted', table: TABLE, attempt },
  ...(kills > 0 && { kills }),
});
const empty = (attempt: number): SyncState => ({ is: 'empty', attempt });

suite('what is known of the kernel', () => {
  const cases: readonly [before: SyncState, event: SyncEvent, after: SyncState][] = [
    [UNKNOWN, SETTLED, LIVE],
    [UNKNOWN, FAILED, empty(1)],
    [empty(1), FAILED, empty(2)],
    [empty(3), SETTLED, LIVE],
    [LIVE, FAILED, doubted(1)],
    [LIVE, { event: 'refused' }, LIVE],
    [doubted(1), { event: 'refused' }, doubted(2)],
    [LIVE, { event: 'gone' }, UNKNOWN],
    [doubted(0), FAILED, doubted(1)],
    [doubted(1), FAILED, doubted(2)],
    [LIVE, KILLED, doubted(1, 1)],
    [doubted(1, 1), KILLED, doubted(2, 2)],
    [doubted(2, 2), FAILED, doubted(3, 2)],
    [doubted(2, 2), SETTLED, LIVE],
    [doubted(2), { event: 'settled', table: 'kube-proxy-nft-b' }, { is: 'live', table: 'kube-proxy-nft-b' }],
  ];
  for (const [before, event, after] of cases) {
    test(`${JSON.stringify(before)}, ${event.event}: ${JSON.stringify(after)}`, () => {
      assert.deepEqual(step(before, event), after);
    });
  }
});

suite('what is done next', () => {
  const cases: readonly [state: SyncState, action: string, delay: number][] = [
    [UNKNOWN, 'repair', 0],
    [LIVE, 'send', 0],
    [doubted(0), 'repair', 0],
    [doubted(1), 'repair', 0],
    [doubted(2), 'build', 100],
    [doubted(3), 'repair', 200],
    [doubted(4), 'build', 400],
    [empty(2), 'build', 100],
    [doubted(20), 'build', 30_000],
    // Whoever kills nft ten times a second does not keep changes waiting for longer and longer.
    [doubted(1, 1), 'repair', 0],
    [doubted(7, 7), 'repair', 100],
    [doubted(8, 6), 'build', 100],
    [doubted(9, 6), 'repair', 200],
    // But for ever it is not tried so often: it may be our document that nft crashes over.
    [doubted(24, 24), 'build', 400],
  ];
  for (const [state, action, delay] of cases) {
    test(`${JSON.stringify(state)}: ${action} after ${delay} ms`, () => {
      assert.equal(actionFor(state), action);
      assert.equal(delayBefore(state), delay);
    });
  }
});
