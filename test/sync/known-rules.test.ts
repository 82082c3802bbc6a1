import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import { KnownRules } from '../../src/sync/known-rules.ts';

const PROGRAM = buildProgram('ip', {});
const RULESET = new Ruleset(PROGRAM);
const MARKER = `delete chain ip kube-proxy-nft ${PROGRAM.marker}`;

/** So many chains of endpoints with session affinity, of two rules each. */
const sticky = (count: number): readonly (readonly [string, readonly number[]])[] =>
  Array.from({ length: count }, (_, i) => [`endpoint-${i}-a/b/tcp/p`, [1000 + 2 * i, 1001 + 2 * i]]);

function linesOf(known: KnownRules): readonly string[] {
  const run = known.next('kube-proxy-nft', RULESET);
  return run?.document.trimEnd().split('\n') ?? [];
}

suite('known rules', () => {
  test('are deleted by their handles, and the marker by its name', () => {
    const known = new KnownRules(PROGRAM);
    assert.equal(known.next('kube-proxy-nft', RULESET), undefined);
    known.learn('kube-proxy-nft', RULESET, new Map<string, readonly number[]>([['dispatch', [4, 5]], ...sticky(1)]));
    assert.deepEqual(linesOf(known), [
      'delete rule ip kube-proxy-nft dispatch handle 4',
      'delete rule ip kube-proxy-nft dispatch handle 5',
      'delete rule ip kube-proxy-nft endpoint-0-a/b/tcp/p handle 1000',
      'delete rule ip kube-proxy-nft endpoint-0-a/b/tcp/p handle 1001',
      MARKER,
    ]);
    assert.equal(known.turns, 1);
    assert.equal(known.next('kube-proxy-nft', new Ruleset(PROGRAM)), undefined, 'of another table nothing is known');
    assert.equal(known.next('kube-proxy-nft', RULESET), undefined, 'and no more of this one');
    known.learn('kube-proxy-nft', RULESET, new Map([['dispatch', [4]]]));
    assert.equal(known.next('kube-proxy-nft-b', RULESET), undefined);
  });

  test('of Services with session affinity come by turns, all others each time', () => {
    const known = new KnownRules(PROGRAM);
    known.learn('kube-proxy-nft', RULESET, new Map<string, readonly number[]>([['dispatch', [4]], ...sticky(400)]));
    const rounds = Array.from({ length: 2 }, () => Array.from({ length: known.turns }, () => linesOf(known)));
    for (const round of rounds) {
      const lines = round.flat();
      assert.equal(lines.filter((line) => line.endsWith('dispatch handle 4')).length, known.turns);
      assert.equal(new Set(lines.filter((line) => line.includes('endpoint-'))).size, 800);
      for (const run of round) assert.ok(run.length < 300, `${run.length}`);
    }
  });

  test('of a limit’s chain that a transaction changes are not tried any more either', () => {
    const known = new KnownRules(PROGRAM);
    const limit = 'limit-0123456789-pick-tcp-1__default/web';
    known.learn(
      'kube-proxy-nft',
      RULESET,
      new Map([
        ['dispatch', [4]],
        [limit, [7, 8]],
      ]),
    );
    const run = known.next('kube-proxy-nft', RULESET);
    known.forget(limit);
    assert.equal(run?.isValid(), false);
    assert.deepEqual(linesOf(known), ['delete rule ip kube-proxy-nft dispatch handle 4', MARKER]);
  });

  test('that a transaction changes are not tried any more, and a dry run under way counts for nothing', () => {
    const known = new KnownRules(PROGRAM);
    known.learn('kube-proxy-nft', RULESET, new Map<string, readonly number[]>([['dispatch', [4]], ...sticky(2)]));
    const run = known.next('kube-proxy-nft', RULESET);
    known.forget('endpoint-of-another');
    assert.equal(run?.isValid(), true);
    known.forget('endpoint-0-a/b/tcp/p');
    assert.equal(run?.isValid(), false);
    assert.equal(linesOf(known).filter((line) => line.includes('endpoint-0')).length, 0);
    assert.equal(linesOf(known).filter((line) => line.includes('endpoint-1')).length, 2);
  });
});
