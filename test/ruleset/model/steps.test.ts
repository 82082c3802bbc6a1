import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { sizeOf } from '../../../src/ruleset/model/transaction.ts';
import { BY_ADDRESS } from '../../../src/ruleset/program/sets-and-maps.ts';
import type { Endpoint } from '../../../src/service/endpoints.ts';
import { type Frontend, frontendKey } from '../../../src/service/frontend.ts';
import { countSteps } from '../../builders/count-steps.ts';
import { frontend } from '../../builders/frontends.ts';
import { elementsOf } from '../../builders/models.ts';
import { rulesetFor } from '../../builders/rulesets.ts';

/** One step does no more than about so many things. */
const THINGS = 10_000;

const MANY = 60_000;

function endpointsOf(count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => ({
    address: `10.32.${i >> 8}.${i & 255}`,
    port: 8080,
    maybeLocal: false,
  }));
}

/** The same, and how often one of them was looked at. */
function countedEndpoints(count: number): { readonly endpoints: readonly Endpoint[]; readonly looks: () => number } {
  let looks = 0;
  const counted = endpointsOf(count).map(({ address, port, maybeLocal }) => ({
    get address() {
      looks++;
      return address;
    },
    port,
    maybeLocal,
  }));
  return { endpoints: counted, looks: () => looks };
}

function set(ruleset: Ruleset, one: Frontend): number {
  return countSteps(ruleset.setFrontend(frontendKey(one), one)).count;
}

suite('a frontend is brought in steps', () => {
  test('with many endpoints: when it comes, and when one of them goes', () => {
    const ruleset = rulesetFor([]);
    const endpoints = endpointsOf(MANY);
    const first = set(ruleset, frontend([], { endpoints }));
    assert.ok(first > MANY / THINGS, `${first}`);
    ruleset.takeTransaction();
    const second = set(ruleset, frontend([], { endpoints: endpoints.slice(0, -1) }));
    assert.ok(second > MANY / THINGS, `${second}`);
    assert.ok(sizeOf(ruleset.takeTransaction()) < 10);
  });

  test('with many endpoints, of which no step looks at more than some thousands', () => {
    for (const changes of [{}, { kind: 'node-port', address: '' }] as const) {
      const ruleset = rulesetFor([]);
      const { endpoints, looks } = countedEndpoints(MANY);
      const one = frontend([], { endpoints, ...changes });
      const steps = ruleset.setFrontend(frontendKey(one), one);
      let most = 0;
      for (let [before, isDone] = [0, false]; !isDone; before = looks()) {
        isDone = steps.next().done === true;
        most = Math.max(most, looks() - before);
      }
      assert.ok(looks() >= MANY && most <= THINGS, `${most} of ${looks()} in one step`);
    }
  });

  test('with many endpoints, when it goes', () => {
    const ruleset = rulesetFor([]);
    const one = frontend([], { endpoints: endpointsOf(MANY) });
    set(ruleset, one);
    ruleset.takeTransaction();
    const { count } = countSteps(ruleset.setFrontend(frontendKey(one), undefined));
    assert.ok(count > MANY / THINGS, `${count}`);
  });

  test('with many source ranges: when it comes, and when they are others', () => {
    const ruleset = rulesetFor([]);
    const walled = (first: number) => {
      const sourceRanges = Array.from({ length: MANY }, (_, i) => `${first}.${i >> 8}.${i & 255}.0/24`);
      return frontend([1], { kind: 'load-balancer-ip', sourceRanges });
    };
    const first = set(ruleset, walled(20));
    assert.ok(first > MANY / THINGS, `${first}`);
    ruleset.takeTransaction();
    const second = set(ruleset, walled(21));
    assert.ok(second > (2 * MANY) / THINGS, `${second}`);
    assert.equal(sizeOf(ruleset.takeTransaction()), 2 * MANY);
  });

  test('and a small one in one', () => {
    assert.equal(set(rulesetFor([]), frontend([1, 2, 3])), 1);
  });
});

test('what nobody claims is removed in steps', () => {
  const before = rulesetFor([]);
  set(before, frontend([], { endpoints: endpointsOf(MANY) }));
  const after = new Ruleset(before.program);
  after.adopt(elementsOf(before));
  const { count } = countSteps(after.dropUnreferenced());
  assert.ok(count > MANY / THINGS, `${count}`);
  const { deletes, adds } = after.takeTransaction();
  assert.deepEqual([deletes.map(({ setOrMap }) => setOrMap.name), adds], [[BY_ADDRESS.dispatch], []]);
});
