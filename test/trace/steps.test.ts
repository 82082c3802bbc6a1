import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Frontend } from '../../src/service/frontend.ts';
import { traceSteps } from '../../src/trace/trace-packet.ts';
import { type TracedRuleset, tracedRuleset } from '../../src/trace/traced-ruleset.ts';
import { endpoint, frontend } from '../builders/frontends.ts';
import { rulesetFor, setServices, WEB } from '../builders/rulesets.ts';

const packet = {
  source: '198.51.100.7',
  destination: '10.96.0.10',
  protocol: 'tcp',
  port: 80,
  from: 'outside',
  own: ['192.0.2.1'],
} as const;

function web(endpoints: number): Frontend {
  return frontend([], { endpoints: Array.from({ length: endpoints }, (_, n) => endpoint(n)) });
}

suite('a trace in steps', () => {
  test('looks up no more in a step, however many endpoints there are', () => {
    const traced = tracedRuleset(rulesetFor([web(40_000)]));
    let [looked, most] = [0, 0];
    const counted: TracedRuleset = {
      ...traced,
      lookUp: (setOrMap, key) => {
        looked++;
        return traced.lookUp(setOrMap, key);
      },
    };
    const steps = traceSteps(counted, packet);
    let next = steps.next();
    for (; !next.done; next = steps.next()) {
      most = Math.max(most, looked);
      looked = 0;
    }
    assert.equal(next.value.outcomes.length, 40_000);
    assert.ok(most <= 1000, `${most} in one step`);
  });

  test('follows verdicts to chains that came in between', () => {
    const ruleset = rulesetFor([web(3)]);
    ruleset.takeTransaction();
    const steps = traceSteps(tracedRuleset(ruleset), packet);
    steps.next();
    // More slots are another chain, which the table had not had.
    setServices(ruleset, { [WEB]: [web(9)] });
    ruleset.takeTransaction();
    let next = steps.next();
    while (!next.done) next = steps.next();
    assert.equal(next.value.outcomes.length, 9);
  });
});
