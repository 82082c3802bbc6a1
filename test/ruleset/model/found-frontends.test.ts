import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { foundFrontends } from '../../../src/ruleset/model/found-frontends.ts';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { foundAffinityChains } from '../../../src/ruleset/program/found-affinity.ts';
import { heartbeatElements } from '../../../src/ruleset/program/heartbeat.ts';
import { OBJECTS } from '../../../src/ruleset/program/objects.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';
import { type Frontend, frontendKey } from '../../../src/service/frontend.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { endpoint, frontend } from '../../builders/frontends.ts';
import { smallCluster } from '../../cli/trace/small-cluster.ts';

const PROGRAM = buildProgram('ip', {});

/** What of frontends elements tell. */
function told(frontends: readonly Frontend[]) {
  return frontends
    .map(({ kind, policy, endpoints, localEndpoints, ...frontend }) => ({
      ...frontend,
      // Which of the two it is, nobody needs to know to serve it.
      kind: kind === 'external-ip' || kind === 'load-balancer-ip' ? 'external' : kind,
      policy: kind === 'cluster-ip' ? 'any' : policy,
      endpoints: endpoints.map(({ address, port }) => `${address} ${port}`).toSorted(),
      localEndpoints:
        kind === 'cluster-ip' ? [] : localEndpoints.map(({ address, port }) => `${address} ${port}`).toSorted(),
    }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

suite('what a table serves', () => {
  for (const { model } of smallCluster().known.models) {
    test(`is known from its elements alone (${model.family})`, () => {
      const { program, ruleset } = model;
      const found = new Ruleset(program);
      for (const setOrMap of [...program.setsAndMaps, ...OBJECTS]) {
        found.adopt([...ruleset.elementsOf(setOrMap)].filter(({ chain }) => chain === undefined));
      }
      const chains = [...ruleset.dynamicChains()].map(
        ({ name, rules }) => [name, { hook: '', rules: rules.map(printRule) }] as const,
      );
      found.adopt(foundAffinityChains(model.family, new Map(chains)));
      const keys = smallCluster().cluster.serviceKeys();
      const expected = [...keys].flatMap((key) => model.frontendsOf(key));
      assert.ok(model.family === 'ip6' || expected.length > 10);
      assert.deepEqual(told(foundFrontends(found)), told(expected));
    });
  }

  test('has the endpoints of this node apart, and no heartbeat', () => {
    const here = endpoint(1, true);
    const local = frontend([], {
      kind: 'node-port',
      address: '',
      port: 30_080,
      policy: 'local',
      endpoints: [here, endpoint(2)],
      localEndpoints: [here],
    });
    const ruleset = new Ruleset(PROGRAM);
    atOnce(ruleset.setFrontend(frontendKey(local), local));
    const found = new Ruleset(PROGRAM);
    for (const setOrMap of PROGRAM.setsAndMaps) found.adopt([...ruleset.elementsOf(setOrMap)]);
    found.adopt(heartbeatElements(PROGRAM, { front: 1024, back: 1025 }));
    assert.deepEqual(told(foundFrontends(found)), told([local]));
  });
});
