import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Chain } from '../../../src/ruleset/elements/chain.ts';
import type { SetOrMap } from '../../../src/ruleset/elements/set-or-map.ts';
import type { Statement } from '../../../src/ruleset/elements/statement.ts';
import { hopsOf } from '../../../src/ruleset/program/hops.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';

const looksUp = (set: string): Statement => ({
  match: { op: '==', left: { meta: { key: 'l4proto' } }, right: `@${set}` },
});
const byMap = (map: string): Statement => ({ vmap: { key: { meta: { key: 'l4proto' } }, data: `@${map}` } });

/** Hops of a program that has a prerouting chain with these rules, and a chain `next` that `first` leads to. */
function hopsWith(rules: readonly (readonly Statement[])[]) {
  const hook = { type: 'nat', hook: 'prerouting', priority: -100 } as const;
  const chains: Chain[] = [
    { name: 'begin', hook, rules },
    { name: 'next', rules: [[looksUp('twice')], [looksUp('later')]] },
  ] as unknown as Chain[];
  const setsAndMaps = [{ name: 'first', key: [], value: 'verdict', targets: [{ chain: 'next' }], comment: '' }];
  return hopsOf(chains, setsAndMaps as unknown as SetOrMap[]);
}

suite('the hop of a set', () => {
  test('is one more behind each verdict', () => {
    const hops = hopsWith([[byMap('first')]]);
    assert.deepEqual([hops.get('first'), hops.get('later')], [0, 1]);
  });

  test('that is looked up twice is the later one, whichever rule comes first', () => {
    assert.equal(hopsWith([[looksUp('twice')], [byMap('first')]]).get('twice'), 1);
    assert.equal(hopsWith([[byMap('first')], [looksUp('twice')]]).get('twice'), 1);
  });

  test('that counts what is dropped is that behind the verdict, as of what is refused', () => {
    const { hops } = buildProgram('ip', { connectionCounters: true });
    const dispatch = hops.get('services') ?? assert.fail();
    assert.ok((hops.get('connections-dropped') ?? 0) > dispatch);
    assert.equal(hops.get('connections-dropped'), hops.get('connections-refused'));
  });
});
