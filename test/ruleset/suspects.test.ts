import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Ruleset } from '../../src/ruleset/ruleset.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import { frontend } from '../builders/frontends.ts';
import { setServices } from '../builders/set-services.ts';
import { describeTransaction } from '../builders/strict-kernel.ts';

const WEB = 'default/web';
const PROGRAM = buildProgram('ip', {});
const VERDICT = 'services 10.96.0.10 . tcp . 80';

/** Sets Services and takes the transaction, as lines. */
function change(ruleset: Ruleset, services: Readonly<Record<string, readonly Frontend[]>>): readonly string[] {
  setServices(ruleset, new Map(Object.entries(services)));
  return describeTransaction(ruleset.takeTransaction());
}

suite('a frontend under suspicion', () => {
  test('leads where it led until its changes are in force: no slot that it may draw goes before that', () => {
    const ruleset = new Ruleset(PROGRAM);
    change(ruleset, { [WEB]: [frontend([1, 2, 3, 4])] });
    const key = '10.96.0.10 tcp 80';
    ruleset.suspect(key);
    change(ruleset, { [WEB]: [frontend([1])] });
    for (const address of ['10.96.0.20', '10.96.0.21', '10.96.0.22']) {
      const lines = change(ruleset, { [`default/at-${address}`]: [frontend([7], { address })] });
      assert.deepEqual(
        lines.filter((line) => line.startsWith('-')),
        [],
      );
    }
    assert.equal(ruleset.hasWaiting, false);
    assert.deepEqual(describeTransaction(ruleset.takeSuspects([key])), [
      `- ${VERDICT}`,
      `+ ${VERDICT} : goto pick-tcp-1`,
    ]);
    ruleset.acquit(key);
    const rest: string[] = [];
    while (ruleset.hasWaiting) rest.push(...describeTransaction(ruleset.takeTransaction()));
    assert.deepEqual(rest, ['- endpoints-tcp 10.96.0.10 . 80 . 1']);
  });

  test('admits whom it admitted until then', () => {
    const ruleset = new Ruleset(PROGRAM);
    const balanced = (sourceRanges: readonly string[]) =>
      frontend([1], { kind: 'load-balancer-ip', address: '203.0.113.2', sourceRanges });
    change(ruleset, { [WEB]: [balanced(['192.0.2.0/24'])] });
    const key = '203.0.113.2 tcp 80';
    ruleset.suspect(key);
    assert.deepEqual(change(ruleset, { [WEB]: [balanced(['192.0.0.0/16'])] }), []);
    const lines = describeTransaction(ruleset.takeSuspects([key]));
    assert.deepEqual(
      lines.map((line) => line.replace(/ : .*/, '')),
      [
        '- source-ranges 203.0.113.2 . tcp . 80 . 192.0.2.0/24',
        '+ source-ranges 203.0.113.2 . tcp . 80 . 192.0.0.0/16',
      ],
    );
  });
});
