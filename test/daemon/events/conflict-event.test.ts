import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { conflictEvent } from '../../../src/daemon/events/conflict-event.ts';
import type { Claimant } from '../../../src/service/frontend-claims.ts';

const FRONTEND = { address: '10.96.0.10', port: 80, protocol: 'tcp' } as const;

function claimant(serviceKey: string, changes: Partial<Claimant> = {}): Claimant {
  return { serviceKey, createdAt: '2026-01-01T00:00:00Z', kind: 'cluster-ip', ...changes };
}

suite('the Event of a conflict', () => {
  test('is on the Service that loses, and says what, to whom, why, and what to do', () => {
    const loser = claimant('prod/new', { kind: 'external-ip' });
    assert.deepEqual(conflictEvent({ winner: claimant('prod/old'), loser, frontend: FRONTEND, count: 1 }), {
      type: 'Warning',
      reason: 'ServiceAddressConflict',
      message:
        '10.96.0.10 port 80/tcp: not served for this Service, because Service prod/old has it ' +
        '(a ClusterIP comes before an external IP). Choose another address or port',
      about: { namespace: 'prod', name: 'new' },
      sameOnAllNodes: 'prod/old',
    });
  });

  test('does not name what there is in another namespace', () => {
    const winner = claimant('production/secret', { createdAt: '2025-01-01T00:00:00Z' });
    const { message, about } = conflictEvent({ winner, loser: claimant('prod/new'), frontend: FRONTEND, count: 12 });
    assert.deepEqual(about, { namespace: 'prod', name: 'new' });
    assert.equal(
      message,
      '10.96.0.10 port 80/tcp and 11 more: not served for this Service, because a Service of another namespace has it ' +
        '(the older one). Choose another address or port',
    );
  });
});
