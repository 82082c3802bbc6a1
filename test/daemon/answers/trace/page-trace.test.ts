import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseArguments } from '../../../../src/cli/parse-arguments.ts';
import { pageTrace } from '../../../../src/daemon/answers/trace/page-trace.ts';
import type { PageTrace } from '../../../../src/page/shapes.ts';
import { FamilyModel } from '../../../../src/sync/family-model.ts';
import { ready, service, slice } from '../../../builders/objects.ts';
import { smallCluster } from '../../../cli/trace/small-cluster.ts';

const ARGS = parseArguments(['--hostname-override', 'here', '--cluster-cidr', '10.32.0.0/15,fd00:32::/48']);

function tracer() {
  const { known, trace } = smallCluster();
  return {
    known,
    trace,
    pageTrace: (to: string, from?: string): Promise<PageTrace> => pageTrace({ to, from }, known, ARGS),
  };
}

suite('a trace for the page', () => {
  test('says what the command says', async () => {
    const { trace, pageTrace } = tracer();
    for (const [to, from] of [
      ['default/web', undefined],
      ['default/local', '203.0.113.9'],
      ['10.96.0.99:80', undefined],
    ] as const) {
      const [told, shown] = [await trace(to, from), await pageTrace(` ${to} `, from)];
      assert.deepEqual(
        shown.connections.map(({ fate, text, remedy }) => [fate, text, remedy]),
        told.connections.map(({ fate, text, remedy }) => [fate, text, remedy]),
      );
      assert.deepEqual([shown.left, shown.error], [told.left, undefined]);
    }
  });

  test('has where connections go, and by which rules', async () => {
    const { connections } = await tracer().pageTrace('10.96.0.80:80', '10.32.0.99');
    const [{ outcomes, service: name, type, rules } = { outcomes: [], rules: [] }] = connections;
    assert.deepEqual([name, type], ['default/web:http', 'ClusterIP']);
    assert.deepEqual(
      outcomes.map(({ probability, text, isNat }) => [probability, text, isNat]),
      [
        [0.5, '10.32.0.5:8080', false],
        [0.5, '10.33.0.6:8080', false],
      ],
    );
    assert.ok(rules.some(({ hook, chain }) => hook === 'prerouting' && chain === 'dispatch'));
  });

  test('has an error where there is nothing to trace, and no more than can be drawn', async () => {
    const { pageTrace } = tracer();
    for (const [to, from, reason] of [
      ['', undefined, /a Service .* or an address/],
      ['default/wbe', undefined, /did you mean default\/web\?/],
      ['fd00::80:80', undefined, /ambiguous/],
      ['default/web', 'no such interface', /must be .*an interface/],
    ] as const) {
      const { connections, error = '' } = await pageTrace(to, from);
      assert.deepEqual(connections, []);
      assert.match(error, reason);
    }
  });

  test('of a Service with very many endpoints is drawn in part, or says that it was stopped', async () => {
    const { known, pageTrace } = tracer();
    const { cluster, models } = known;
    cluster.set(service({ name: 'huge', clusterIps: ['10.96.200.1'] }));
    const endpoints = Array.from({ length: 40_000 }, (_, i) => ready(`10.33.${(i >> 8) & 255}.${i & 255}`));
    for (const [i, key] of cluster.set(slice(endpoints, { name: 'huge-1', serviceName: 'huge' })).entries()) {
      assert.deepEqual([i, key], [0, 'default/huge']);
    }
    for (const { model } of models) {
      assert.ok(model instanceof FamilyModel);
      model.restart([]);
      while (model.isDirty) model.nextTransaction();
    }
    const { connections, error } = await pageTrace('default/huge');
    if (error !== undefined)
      assert.match(error, /^the trace was stopped: it took more than 50 ms of CPU time; name a port/);
    else assert.deepEqual([connections[0]?.outcomeCount, connections[0]?.outcomes.length], [40_000, 12]);
  });
});
