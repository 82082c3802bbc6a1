import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { statusKey } from '../../src/status/status-key.ts';
import { AT, family, status } from '../builders/status.ts';

const AGO = AT - 60_000;
const KEY = statusKey(status(), false);
const BRIEF = statusKey(status(), true);

suite('what answers of status have in common that say the same', () => {
  test('is the same while times pass, and changes come and go', () => {
    const lastChange = { at: AT, milliseconds: 3, operations: 7 };
    for (const later of [
      status({ at: AT + 60_000, heardAt: AT + 59_000, families: [family({ comparedAt: AT, rulesComparedAt: AT })] }),
      status({ families: [family({ elements: 13, lastChange, comparedEvery: 10_000 })] }),
      status({ families: [family({ behind: 2, waitingSince: AT - 1000 })] }),
    ]) {
      assert.equal(statusKey(later, false), KEY);
      assert.equal(statusKey(later, true), BRIEF);
    }
  });

  test('is another one for each thing that somebody waits for', () => {
    const shortfalls = { ...status().shortfalls, quarantined: 1 };
    const news = [
      status({ pid: 8 }),
      status({ staleSince: AGO }),
      status({ services: 4 }),
      status({ nodes: { nodes: 5, unready: 1, names: ['node-b'], isPaused: false } }),
      status({ withoutEndpoints: { count: 1, keys: ['default/web'] } }),
      status({ shortfalls }),
      status({ options: { limit: 1 } }),
      status({ culprit: { at: AGO, pid: 5, process: 'nft', command: 'flush ruleset' } }),
      status({ families: [family({ table: undefined })] }),
      status({ families: [family({ differences: ['chain dispatch: a rule was deleted'] })] }),
      status({ families: [family({ drifts: 1, lastDrift: { at: AGO, message: 'chain dispatch' } })] }),
      status({ families: [family({ losses: 1, lostAt: AGO })] }),
      status({ families: [family({ behind: 1, waitingSince: AGO })] }),
      status({ families: [family({ behind: 1, waitingSince: AGO, failures: 3 })] }),
    ];
    const keys = news.map((one) => statusKey(one, false));
    assert.equal(new Set([KEY, ...keys]).size, news.length + 1);
  });

  test('is of the verdict alone where that is all that is shown', () => {
    assert.equal(statusKey(status({ pid: 8, services: 4 }), true), BRIEF);
    const verdicts = [status(), status({ staleSince: AGO }), status({ families: [family({ table: undefined })] })];
    assert.equal(new Set(verdicts.map((one) => statusKey(one, true))).size, 3);
  });
});
