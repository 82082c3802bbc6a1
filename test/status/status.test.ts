import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isInSync, type Status, statusJson, statusText } from '../../src/status/status.ts';
import { AT, family, status } from '../builders/status.ts';

suite('a status', () => {
  test('is a line for each thing, and the first says it all', () => {
    assert.equal(
      statusText(status()),
      `node-1: in sync
  daemon    1.2.3, pid 7, up 3 h; nft 1.0.6, Linux 6.18
  source    API server https://192.0.2.1:6443, answered 2 s ago
  IPv4      in sync; table kube-proxy-nft, 12 elements; compared with the kernel 4 s ago (rules every 5 s, elements every 4 min); last change 60 s ago, in 9 ms
  Services  3
`,
    );
    assert.equal(statusText(status(), true), 'node-1: in sync\n');
  });

  test('names what others did, what is not served as specified, and Services without endpoints', () => {
    const keys = ['a/a', 'a/b', 'a/c', 'a/d', 'a/e', 'a/f'];
    const lastDrift = { at: AT - 300_000, message: 'chain dispatch: a rule was added: "drop"' };
    const text = statusText(
      status({
        families: [family({ drifts: 3, lastDrift, losses: 1, lostAt: AT - 7_200_000 })],
        withoutEndpoints: { count: 6, keys },
        shortfalls: { ...status().shortfalls, quarantined: 2 },
      }),
    );
    assert.match(
      text,
      /^ {2}changed by others {2}IPv4, 5 min ago \(3 in total\): chain dispatch: a rule was added: "drop"$/m,
    );
    assert.match(text, /^ {2}removed by others {2}IPv4, 2 h ago: the table$/m);
    assert.match(text, /^ {2}Services +3; 6 without endpoints: a\/a, a\/b, a\/c, a\/d, a\/e, …$/m);
    assert.match(text, /^ {2}shortfalls +quarantined 2$/m);
  });

  test('has a line for connections to endpoints that are gone where these are ended', () => {
    const line = (connections: number) =>
      /^ {2}gone endpoints +(.*)$/m.exec(statusText(status({ resets: { connections } })))?.[1];
    assert.equal(line(1), '1 TCP connection to them ended');
    assert.equal(line(0), '0 TCP connections to them ended');
    assert.ok(!statusText(status()).includes('gone endpoints'));
  });

  test('counts Services by what they request, and names flags, where there is any of it', () => {
    const text = statusText(status({ options: { limit: 1, 'slow-start': 20 }, flags: ['--a', '--b 192.0.2.0/24'] }));
    assert.match(text, /^ {2}options +limit 1, slow-start 20\n {2}flags +--a, --b 192\.0\.2\.0\/24$/m);
    assert.doesNotMatch(statusText(status()), /options|flags/);
    assert.match(
      statusText(status({ options: { 'zone-spill-over': 2 }, lacksZone: true })),
      /^ {2}options +zone-spill-over 2; zone-spill-over has no effect: this node's zone is not known$/m,
    );
  });

  test('has a line for nodes where these are followed', () => {
    const nodesLine = (nodes: NonNullable<Status['nodes']>) =>
      /^ {2}nodes +(.*)$/m.exec(statusText(status({ nodes })))?.[1];
    assert.equal(nodesLine({ nodes: 5, unready: 0, names: [], isPaused: false }), '5 nodes, all Ready');
    assert.equal(
      nodesLine({ nodes: 5, unready: 1, names: ['node-b'], isPaused: false }),
      '1 of 5 nodes not Ready: node-b; their endpoints are used only if there are no others',
    );
    assert.match(
      nodesLine({ nodes: 5, unready: 3, names: ['b', 'c', 'd'], isPaused: true }) ?? '',
      /b, c, d; more than half/,
    );
  });

  test('names who was seen to change our rules', () => {
    const culprit = { at: AT - 3_000, pid: 4711, process: 'nft, started by cron', command: 'flush ruleset' };
    assert.match(
      statusText(status({ culprit })),
      /^ {2}changed by {2}process 4711 \(nft, started by cron\), 3 s ago: flush ruleset$/m,
    );
  });

  const outOfSync: readonly [what: string, Status, RegExp][] = [
    ['no table is in force', status({ families: [family({ table: undefined })] }), /IPv4 +no table is in force/],
    [
      'a table cannot be built',
      status({ families: [family({ table: undefined, failures: 1 })] }),
      /IPv4 +no table is in force: one is being built or read, 1 failure in a row;/,
    ],
    [
      'rules differ',
      status({ families: [family({ differences: ['chain dispatch was deleted'] })] }),
      /IPv4 +differs: chain dispatch was deleted; table/,
    ],
    [
      'a change waits for more than five seconds',
      status({ families: [family({ behind: 2, waitingSince: AT - 9_000, failures: 4 })] }),
      /IPv4 +2 Services waiting for 9 s, 4 failures in a row; table/,
    ],
    ['a saved state is served', status({ staleSince: AT - 600_000 }), /^node-1: STALE: as of 10 min ago$/m],
  ];
  for (const [what, told, line] of outOfSync) {
    test(`is not in sync where ${what}`, () => {
      assert.equal(isInSync(told), false);
      assert.match(statusText(told), line);
      assert.equal(JSON.parse(statusJson(told)).inSync, false);
    });
  }

  test('is in sync while a change is on its way', () => {
    const told = status({ families: [family({ behind: 2, waitingSince: AT - 1_000 })] });
    assert.equal(isInSync(told), true);
    assert.match(statusText(told), /IPv4 +in sync; .*; 2 changes pending; /);
  });

  test('says where nobody compares', () => {
    const text = statusText(status({ families: [family({ isWatched: false, comparedAt: undefined })] }));
    assert.match(text, /not compared with the kernel \(--no-watch\)/);
  });

  test('says how often rules are compared before the elements were for the first time, and nothing that is not known', () => {
    const young = { comparedAt: undefined, comparedEvery: undefined };
    const text = statusText(status({ families: [family(young), family({ ...young, rulesComparedEvery: undefined })] }));
    assert.match(
      text,
      /; not yet compared with the kernel \(rules every 5 s\); .*; not yet compared with the kernel; /s,
    );
  });

  test('says how often deleted rules are looked for where all of them are compared less often', () => {
    const text = statusText(status({ families: [family({ rulesComparedEvery: 40_000 })] }));
    assert.match(text, /\(rules every 40 s, deletions every 5 s, elements every 4 min\)/);
  });

  test('has times in RFC 3339 for programs', () => {
    const told = JSON.parse(statusJson(status()));
    assert.equal(told.at, '2026-01-02T03:04:05.000Z');
    assert.equal(told.families[0].lastChange.at, '2026-01-02T03:03:05.000Z');
    assert.equal(told.families[0].rulesComparedAt, '2026-01-02T03:04:04.000Z');
    assert.equal(told.families[0].rulesComparedEvery, 5000);
    assert.equal(told.families[0].deletedRulesEvery, 5000);
    assert.deepEqual(told.families[0].problems, []);
  });
});
