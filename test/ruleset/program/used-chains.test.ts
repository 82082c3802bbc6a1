import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Chain } from '../../../src/ruleset/elements/chain.ts';
import { type Expression, printRule, type Statement } from '../../../src/ruleset/elements/statement.ts';
import { usedChains } from '../../../src/ruleset/program/used-chains.ts';

const address: Expression = { payload: { protocol: 'ip', field: 'daddr' } };
const inSet = (name: string, op: '==' | '!=' = '=='): Statement => ({
  match: { op, left: address, right: `@${name}` },
});
const verdict = (name: string): Statement => ({ vmap: { key: address, data: `@${name}` } });
const jump = (target: string): Statement => ({ jump: { target } });
const goTo = (target: string): Statement => ({ goto: { target } });
const DROP: Statement = { drop: null };

const base = (...rules: readonly Statement[][]): Chain => ({
  name: 'base',
  hook: { type: 'nat', hook: 'output', priority: 0 },
  rules,
});
const chain = (name: string, ...rules: readonly Statement[][]): Chain => ({ name, rules });

/** What is left where only the sets "full…" have elements, which lead to `targets`. */
function left(chains: readonly Chain[], ...targets: readonly string[]): Record<string, readonly string[]> {
  const used = usedChains(chains, (name) => !name.startsWith('full'), new Set(targets));
  return Object.fromEntries(used.map(({ name, rules }) => [name, rules.map(printRule)]));
}

suite('chains that something can come of', () => {
  test('have no rules that look where nothing is', () => {
    assert.deepEqual(left([base([inSet('full'), DROP], [inSet('none'), DROP], [verdict('none')], [verdict('full')])]), {
      base: ['ip daddr @full drop', 'ip daddr vmap @full'],
    });
  });

  test('have those that are for all that is not in an empty set', () => {
    assert.deepEqual(left([base([inSet('none', '!='), DROP])]), { base: ['ip daddr != @none drop'] });
  });

  test('are those that packets come to, by a rule or an element', () => {
    const others = [
      chain('a', [goTo('b')]),
      chain('b', [DROP]),
      chain('c', [jump('d')]),
      chain('d', [DROP]),
      chain('e', [DROP]),
    ];
    assert.deepEqual(Object.keys(left([base([jump('a')]), ...others], 'c')), ['base', 'a', 'b', 'c', 'd']);
  });

  test('are no base chains without rules', () => {
    assert.deepEqual(left([base([inSet('none'), jump('a')]), chain('a', [DROP])]), {});
  });

  test('do not jump to a chain that has no rules, nor to one that only jumps there', () => {
    const chains = [
      base([jump('a')], [jump('c')]),
      chain('a', [jump('b')]),
      chain('b', [verdict('none')]),
      chain('c', [DROP]),
    ];
    assert.deepEqual(left(chains), { base: ['jump c'], c: ['drop'] });
  });

  test('go to a chain without rules where others would follow: that ends theirs', () => {
    const ending = [inSet('full'), goTo('a')];
    assert.deepEqual(left([base(ending, [DROP]), chain('a')]), { base: ['ip daddr @full goto a', 'drop'], a: [] });
    assert.deepEqual(left([base([DROP], ending, [inSet('none'), DROP]), chain('a')]), { base: ['drop'] });
  });

  test('are there without rules if an element leads to them', () => {
    assert.deepEqual(left([base([verdict('full')]), chain('a', [verdict('none')])], 'a'), {
      base: ['ip daddr vmap @full'],
      a: [],
    });
  });
});
