import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { deepestFirst, type Transaction } from '../../../src/ruleset/model/transaction.ts';
import { transactionText } from '../../../src/ruleset/model/transaction-text.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';
import { type Frontend, frontendKey } from '../../../src/service/frontend.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { frontend } from '../../builders/frontends.ts';

const PROGRAM = buildProgram('ip', {});

/** The transactions of a frontend that comes to be this, and then that, until nothing waits. */
function transactionsOf(...versions: readonly (Frontend | undefined)[]): readonly Transaction[] {
  const ruleset = new Ruleset(PROGRAM);
  const key = frontendKey(frontend([]));
  const taken: Transaction[] = [];
  for (const version of versions) {
    atOnce(ruleset.setFrontend(key, version));
    taken.length = 0;
    do taken.push(ruleset.takeTransaction());
    while (ruleset.hasWaiting);
  }
  return taken;
}

suite('a transaction for a table that packets meet', () => {
  test('is two where it brings a chain: that and what it picks from, and then the verdict', () => {
    const [transaction] = transactionsOf(frontend([1]));
    const parts = deepestFirst(transaction ?? assert.fail(), PROGRAM.hops).map(({ adds }) => adds);
    assert.equal(parts.length, 2);
    assert.ok(parts[0]?.some(({ chain }) => chain !== undefined));
    assert.deepEqual(
      parts[1]?.map(({ setOrMap }) => setOrMap.name),
      ['services'],
    );
  });

  test('is one where it brings none: the chains that its verdicts lead to are there', () => {
    const ruleset = new Ruleset(PROGRAM);
    const [first, second] = [frontend([1]), frontend([1], { address: '10.96.0.11' })];
    atOnce(ruleset.setFrontend(frontendKey(first), first));
    ruleset.takeTransaction();
    atOnce(ruleset.setFrontend(frontendKey(second), second));
    const transaction = ruleset.takeTransaction();
    assert.equal(transaction.adds.length, 3, 'ClusterIP, slot and verdict');
    assert.deepEqual(deepestFirst(transaction, PROGRAM.hops), [transaction]);
  });
});

suite('a transaction as text', () => {
  const textOf = (...versions: readonly (Frontend | undefined)[]) =>
    transactionsOf(...versions).map((transaction) => transactionText('ip', 'kube-proxy-nft', transaction));

  test('takes away the chains, sets and counters of a Service that goes, each as what it is', () => {
    const limited = frontend([1], { affinitySeconds: 60, limitPerSecond: 5 });
    const text = textOf(limited, undefined).join('');
    assert.match(text, /^delete counter ip kube-proxy-nft \S+$/m);
    assert.match(text, /^delete set ip kube-proxy-nft \S+$/m);
    assert.match(text, /^delete chain ip kube-proxy-nft \S+$/m);
    assert.doesNotMatch(text, /^(?:add|flush) /m);
  });

  test('empties a chain that stays, and gives it its new rules', () => {
    const text = textOf(frontend([1], { affinitySeconds: 60 }), frontend([1, 2], { affinitySeconds: 60 })).join('');
    const [, chain] = /^flush chain ip kube-proxy-nft (\S+)$/m.exec(text) ?? assert.fail(text);
    assert.doesNotMatch(text, new RegExp(`^delete chain ip kube-proxy-nft ${chain}$`, 'm'));
    assert.match(text, new RegExp(`^add rule ip kube-proxy-nft ${chain} `, 'm'));
  });

  test('is empty if there is nothing to do', () => {
    assert.equal(transactionText('ip', 'kube-proxy-nft', { deletes: [], adds: [] }), '');
  });
});
