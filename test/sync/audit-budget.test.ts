import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AuditBudget, needsDryRuns, RULES_INTERVAL, rulesCost, rulesInterval } from '../../src/sync/audit-budget.ts';

suite('what comparisons may cost', () => {
  test('listings of elements take 0.48 % of a CPU', () => {
    const budget = new AuditBudget();
    assert.ok(budget.free < 0, 'the first may begin at once');
    budget.spend(1000, 48);
    assert.equal(Math.round(budget.free), 11_000);
  });

  test('one that comes early waits longer, one that comes late owes nothing', () => {
    const budget = new AuditBudget();
    budget.spend(0, 48);
    budget.spend(0, 48);
    assert.equal(Math.round(budget.free), 20_000);
    budget.spend(50_000, 48);
    assert.equal(Math.round(budget.free), 60_000);
  });

  test('few rules are listed every five seconds, many more rarely, and then dry runs go on between', () => {
    const [few, many] = [rulesCost(16_000), rulesCost(3_000_000)];
    assert.equal(rulesInterval(few), RULES_INTERVAL);
    assert.equal(needsDryRuns(few), false);
    assert.equal(needsDryRuns(many), true);
    // With what dry runs take, listings have less.
    assert.ok(rulesInterval(many, true) > rulesInterval(many));
    assert.equal(Math.round((100_000 * many) / (rulesInterval(many) + many)), 240);
    assert.equal(Math.round((100_000 * many) / (rulesInterval(many, true) + many)), 160);
  });
});
