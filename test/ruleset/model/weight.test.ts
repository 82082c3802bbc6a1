import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Chain } from '../../../src/ruleset/elements/chain.ts';
import { deleteWeightOf, weightOf } from '../../../src/ruleset/model/weight.ts';
import { CLIENT_SETS } from '../../../src/ruleset/program/objects.ts';
import { PICK_CHAINS } from '../../../src/ruleset/program/pick-chain.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';

const containerOf = (name: string) =>
  buildProgram('ip', {}).setsAndMaps.find((setOrMap) => setOrMap.name === name) ?? assert.fail(name);

suite('what an element costs nft', () => {
  const services = containerOf('services');
  const ranges = containerOf('source-ranges');

  test('is one in a map', () => assert.equal(weightOf({ setOrMap: services }), 1));

  test('is more for an interval, most for a set, and so much for each rule of a chain', () => {
    const chain = (rules: number): Chain => ({ name: 'pick', rules: Array.from({ length: rules }, () => []) });
    const [set] = CLIENT_SETS;
    assert.ok(set !== undefined);
    assert.deepEqual(
      [
        weightOf({ setOrMap: ranges }),
        weightOf({ setOrMap: set }),
        weightOf({ setOrMap: PICK_CHAINS, chain: chain(1) }),
        weightOf({ setOrMap: PICK_CHAINS, chain: chain(3) }),
      ],
      [10, 30, 5, 15],
    );
  });

  test('is more for an interval that goes, the more there are', () => {
    assert.equal(deleteWeightOf({ setOrMap: services }, 20_000), 1);
    assert.equal(deleteWeightOf({ setOrMap: ranges }, 0), 10);
    assert.equal(deleteWeightOf({ setOrMap: ranges }, 20_000), 60);
  });
});
