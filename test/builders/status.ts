import type { FamilyStatus, Status } from '../../src/status/status.ts';

/** The time of the request. */
export const AT = Date.parse('2026-01-02T03:04:05Z');

/** Of a family that is in sync. */
export function family(news: Partial<FamilyStatus> = {}): FamilyStatus {
  return {
    family: 'ip',
    table: 'kube-proxy-nft',
    elements: 12,
    behind: 0,
    isWatched: true,
    waitingSince: undefined,
    lastChange: { at: AT - 60_000, milliseconds: 9.4, operations: 1 },
    comparedAt: AT - 4_000,
    comparedEvery: 250_000,
    rulesComparedAt: AT - 1_000,
    rulesComparedEvery: 5_000,
    deletedRulesEvery: 5_000,
    lastDrift: undefined,
    drifts: 0,
    losses: 0,
    lostAt: undefined,
    failures: 0,
    differences: [],
    ...news,
  };
}

/** Of a daemon that is in sync. */
export function status(news: Partial<Status> = {}): Status {
  return {
    node: 'node-1',
    version: '1.2.3',
    pid: 7,
    startedAt: AT - 3 * 3_600_000,
    at: AT,
    nft: '1.0.6',
    kernel: '6.18',
    source: 'API server https://192.0.2.1:6443',
    heardAt: AT - 2_000,
    staleSince: undefined,
    families: [family()],
    culprit: undefined,
    services: 3,
    withoutEndpoints: { count: 0, keys: [] },
    shortfalls: {
      'service-budget': 0,
      'total-budget': 0,
      'affinity-by-hash': 0,
      'max-connections': 0,
      'protected-address': 0,
      'unusable-address': 0,
      'service-cidr': 0,
      annotation: 0,
      quarantined: 0,
    },
    ...news,
  };
}
