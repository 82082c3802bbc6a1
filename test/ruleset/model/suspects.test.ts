import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { frontend } from '../../builders/frontends.ts';
import { programOf } from '../../builders/models.ts';
import { WEB, WrittenTable } from '../../builders/rulesets.ts';

const VERDICT = 'services 10.96.0.10 . tcp . 80';

suite('a frontend under suspicion', () => {
  test('leads where it led until its changes are in force: no slot that it may draw goes before that', () => {
    const table = new WrittenTable(programOf('ip'));
    table.change({ [WEB]: [frontend([1, 2, 3, 4])] });
    const key = '10.96.0.10 tcp 80';
    table.ruleset.suspect(key);
    table.change({ [WEB]: [frontend([1])] });
    for (const address of ['10.96.0.20', '10.96.0.21', '10.96.0.22']) {
      const lines = table.change({ [`default/at-${address}`]: [frontend([7], { address })] });
      assert.deepEqual(
        lines.filter((line) => line.startsWith('-')),
        [],
      );
    }
    assert.equal(table.ruleset.hasWaiting, false);
    assert.deepEqual(table.take(table.ruleset.takeSuspects([key])), [`- ${VERDICT}`, `+ ${VERDICT} : goto pick-tcp-1`]);
    table.ruleset.acquit(key);
    assert.deepEqual(table.settle(), ['- endpoints-tcp 10.96.0.10 . 80 . 1']);
  });

  test('admits whom it admitted until then', () => {
    const table = new WrittenTable(programOf('ip'));
    const balanced = (sourceRanges: readonly string[]) =>
      frontend([1], { kind: 'load-balancer-ip', address: '203.0.113.2', sourceRanges });
    table.change({ [WEB]: [balanced(['192.0.2.0/24'])] });
    const key = '203.0.113.2 tcp 80';
    table.ruleset.suspect(key);
    assert.deepEqual(table.change({ [WEB]: [balanced(['192.0.0.0/16'])] }), []);
    const lines = table.take(table.ruleset.takeSuspects([key]));
    assert.deepEqual(
      lines.map((line) => line.replace(/ : .*/, '')),
      [
        '- source-ranges 203.0.113.2 . tcp . 80 . 192.0.2.0/24',
        '+ source-ranges 203.0.113.2 . tcp . 80 . 192.0.0.0/16',
      ],
    );
  });
});
