import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FrontendKind } from '../../src/service/frontend.ts';
import type { Claimant, ClaimConflict } from '../../src/service/frontend-claims.ts';
import { ConflictReports } from '../../src/sync/conflict-reports.ts';
import { recordingLog } from '../builders/recording-log.ts';

const HOUR = 3_600_000;

function claimant(serviceKey: string, changes: Partial<Claimant> = {}): Claimant {
  return { serviceKey, createdAt: '2026-01-01T00:00:00Z', kind: 'external-ip', ...changes };
}

function conflict(winner: Claimant, loser: Claimant, changes: Partial<ClaimConflict> = {}): ClaimConflict {
  return { winner, loser, frontend: { address: '203.0.113.1', port: 80, protocol: 'tcp' }, count: 1, ...changes };
}

function setUp() {
  const { log, lines } = recordingLog();
  const told: ClaimConflict[] = [];
  const clock = { now: 0 };
  const reports = new ConflictReports({ log, onConflict: (one) => told.push(one), now: () => clock.now });
  return { reports, lines, told, clock };
}

suite('what is said of two Services that want the same', () => {
  const kinds: readonly [winner: FrontendKind, loser: FrontendKind, why: string][] = [
    ['cluster-ip', 'external-ip', 'a ClusterIP comes before an external IP'],
    ['cluster-ip', 'load-balancer-ip', 'a ClusterIP comes before a load balancer’s IP'],
    ['external-ip', 'external-ip', 'equally old, and first by name'],
  ];
  for (const [winner, loser, why] of kinds) {
    test(`${winner} against ${loser}: ${why}`, () => {
      const { reports, lines, told } = setUp();
      const one = conflict(claimant('a/a', { kind: winner }), claimant('b/b', { kind: loser }));
      reports.report(one);
      assert.deepEqual(lines, [
        `W Service b/b also wants 203.0.113.1 port 80/tcp, which Service a/a has (${why}): not served for b/b`,
      ]);
      assert.deepEqual(told, [one]);
    });
  }

  test('has the number of frontends, and no address for a node port', () => {
    const { reports, lines } = setUp();
    const older = claimant('a/a', { kind: 'node-port', createdAt: '2025-01-01T00:00:00Z' });
    const frontend = { address: '', port: 30080, protocol: 'udp' } as const;
    reports.report(conflict(older, claimant('b/b', { kind: 'node-port' }), { frontend, count: 3 }));
    assert.match(
      lines.join(),
      /^W Service b\/b also wants node port 30080\/udp and 2 more, which Service a\/a has \(the older one\)/,
    );
  });

  test('is said once for a pair, and again where they change places', () => {
    const { reports, lines, told } = setUp();
    const [a, b] = [claimant('a/a'), claimant('b/b')];
    for (let i = 0; i < 3; i++) reports.report(conflict(a, b));
    reports.report(conflict(b, a));
    assert.deepEqual([lines.length, told.length], [2, 2]);
  });

  test('is said of no more than 100 pairs an hour, with a line that says so, and told on of 10', () => {
    const { reports, lines, told, clock } = setUp();
    const report = (from: number) => {
      for (let i = from; i < from + 5000; i++) reports.report(conflict(claimant('a/a'), claimant(`b${i}/b`)));
    };
    report(0);
    assert.deepEqual([lines.length, told.length], [101, 10]);
    assert.match(
      lines.at(-1) ?? '',
      /^W 100 conflicts of Services were reported; further ones in this hour are logged only at -v 2/,
    );
    clock.now = HOUR - 1;
    report(5000);
    assert.equal(lines.length, 101);
    clock.now = HOUR;
    report(10_000);
    assert.deepEqual([lines.length, told.length], [202, 20]);
  });

  test('is told of a bystander, after 200 Services of a tenant that get nothing', () => {
    const { reports, lines, told } = setUp();
    for (let i = 0; i < 200; i++) reports.report(conflict(claimant('a/a'), claimant(`tenant/s${i}`)));
    assert.deepEqual([lines.length, told.length], [26, 3]);
    reports.report(conflict(claimant('a/a'), claimant('bystander/web')));
    assert.match(lines.at(-1) ?? '', /^W Service bystander\/web also wants/);
    assert.equal(told.at(-1)?.loser.serviceKey, 'bystander/web');
  });
});
