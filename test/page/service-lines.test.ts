import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { KubeObject } from '../../src/objects/decode.ts';
import type { Service } from '../../src/objects/service.ts';
import { serviceDetail } from '../../src/page/service-detail.ts';
import { changedLines, serviceLines } from '../../src/page/service-lines.ts';
import { SERVICE_FATES, type ServiceLines } from '../../src/page/shapes.ts';
import { Cluster } from '../../src/service/cluster.ts';
import type { ShortfallReason } from '../../src/service/shortfall.ts';
import { atOnce } from '../../src/service/steps.ts';
import { countSteps } from '../builders/count-steps.ts';
import { manyObjects } from '../builders/many-objects.ts';
import { modelFor } from '../builders/models.ts';
import { HTTP, NODE_NAME, node, notReady, ready, service, slice } from '../builders/objects.ts';

function listedOf(from: Cluster | readonly KubeObject[]) {
  const { cluster, model, shortfalls, drain } = modelFor(from);
  drain();
  return { cluster, models: [model], shortfalls };
}

/** Type, addresses, ports, endpoints, those here, fate and text of one Service. */
function lineOf(changes: Partial<Service>, endpoints = [ready('10.32.0.1'), ready('10.32.0.2')]) {
  const [line] = atOnce(serviceLines(listedOf([service(changes), slice(endpoints)]), 0, 0)).lines;
  assert.ok(line);
  const [, , type, addresses, ports, count, local, fate, text] = line;
  return [type, addresses, ports, count, local, SERVICE_FATES[fate], text];
}

suite('a row of the list', () => {
  test('has a Service that is served', () => {
    assert.deepEqual(lineOf({}), ['ClusterIP', '10.96.0.10', '80/tcp', 2, -1, 'served', 'served']);
  });

  test('has the worst of what becomes of connections', () => {
    const nodePort = { ...HTTP, nodePort: 30_080 };
    const [, , ports, count, local, fate, text] = lineOf({ type: 'NodePort', ports: [nodePort], externalLocal: true });
    assert.deepEqual([ports, count, local, fate], ['80/tcp, :30080/tcp', 2, 0, 'partly']);
    assert.match(`${text}`, /^dropped from outside: externalTrafficPolicy Local/);
    assert.deepEqual(lineOf({ internalLocal: true }).slice(-2, -1), ['dropped']);
    assert.deepEqual(lineOf({}, [notReady('10.32.0.1')]).slice(-2), ['refused', 'refused: no endpoint is ready']);
  });

  test('has why a Service has no frontend', () => {
    assert.deepEqual(lineOf({ clusterIps: [] }).slice(-2), ['none', 'no proxy: headless']);
    assert.deepEqual(lineOf({ type: 'ExternalName', clusterIps: [] }).slice(-2), ['none', 'no proxy: ExternalName']);
    assert.deepEqual(lineOf({ otherProxy: true }).slice(-2), ['none', 'for another proxy']);
  });

  test('has what is not served as specified, and why', () => {
    const told = (reason: ShortfallReason, ports = [HTTP]) => {
      const listed = listedOf([service({ ports }), slice([ready('10.32.0.1')])]);
      listed.shortfalls.report(
        { kind: 'Service', key: 'default/web' },
        reason,
        'x'.repeat(reason === 'quarantined' ? 500 : 3),
      );
      const [line] = atOnce(serviceLines(listed, 0, 0)).lines;
      return [SERVICE_FATES[line?.[7] ?? 0], line?.[8]];
    };
    assert.deepEqual(told('total-budget', []), ['dropped', 'not served: xxx (total-budget)']);
    assert.deepEqual(told('service-budget'), ['partly', 'served; xxx (service-budget)']);
    assert.deepEqual(told('affinity-by-hash'), ['served', 'served; xxx (affinity-by-hash)']);
    assert.deepEqual(told('quarantined'), ['partly', `served; ${'x'.repeat(300)}…`]);
  });

  test('names a few addresses and ports', () => {
    const ports = [1, 2, 3, 4, 5].map((port) => ({ ...HTTP, name: `p${port}`, port }));
    assert.equal(lineOf({ ports })[2], '1/tcp, 2/tcp, 3/tcp +2');
  });
});

suite('the list of Services', () => {
  const listed = listedOf(manyObjects(2500));

  test('comes in pages, each Service once', () => {
    const keys: string[] = [];
    let pages = 0;
    for (let from: number | undefined = 0; from !== undefined; pages++) {
      const page: ServiceLines = atOnce(serviceLines(listed, from, 7));
      assert.equal(page.sequence, 7);
      keys.push(...page.lines.map(([namespace, name]) => `${namespace}/${name}`));
      from = page.next;
    }
    assert.deepEqual([pages, keys.length, new Set(keys).size], [3, 2500, 2500]);
    assert.deepEqual(atOnce(serviceLines(listed, 5000, 7)).lines, []);
  });

  test('is made in steps', () => {
    assert.ok(countSteps(serviceLines(listed, 0, 0)).count >= 3);
  });

  test('has the Services that changed, and those that are gone', () => {
    const { lines, gone, isTooOld } = atOnce(changedLines(listed, ['default/web-7', 'default/away'], 9));
    assert.deepEqual([lines.map(([, name]) => name), gone, isTooOld], [['web-7'], ['default/away'], false]);
    assert.deepEqual(atOnce(changedLines(listed, undefined, 9)), { sequence: 9, lines: [], gone: [], isTooOld: true });
  });
});

suite('a Service', () => {
  test('has its frontends with their endpoints, as many as can be looked at', () => {
    const many = Array.from({ length: 300 }, (_, i) => ready(`10.32.${i >> 8}.${i & 255}`));
    const listed = listedOf([service(), slice(many)]);
    const { frontends, left, shortfalls, ...more } = atOnce(serviceDetail(listed, 'default/web'));
    assert.deepEqual([left, shortfalls, more], [0, [], {}]);
    const [{ endpoints, ...frontend } = { endpoints: [] }] = frontends;
    assert.equal(endpoints.length, 100);
    assert.deepEqual(frontend, {
      port: 'http',
      type: 'ClusterIP',
      address: '10.96.0.10:80/tcp',
      fate: 'served',
      affinity: undefined,
      sourceRanges: [],
      endpointCount: 300,
    });
  });

  test('has what its limits have done', () => {
    const counted = {
      ...listedOf([service()]),
      limitCounts: () => ({ limited: 3, unlimited: 0 }),
    };
    assert.equal(atOnce(serviceDetail(counted, 'default/web')).limited, '3 refused by limit');
  });

  test('lists endpoints on nodes that are not Ready apart, with the node', () => {
    const cluster = new Cluster(NODE_NAME, { skipUnreachableNodes: true });
    cluster.set(node({ name: 'node-b', unready: true }));
    atOnce(cluster.settleNodesSteps());
    cluster.set(service());
    cluster.set(slice([ready('10.32.0.1', { nodeName: 'node-c' }), ready('10.32.0.2', { nodeName: 'node-b' })]));
    const { frontends } = atOnce(serviceDetail(listedOf(cluster), 'default/web'));
    const { endpoints, unreachable, unreachableCount } = frontends[0] ?? {};
    assert.deepEqual([endpoints, unreachable, unreachableCount], [['10.32.0.1:8080'], ['10.32.0.2:8080 on node-b'], 1]);
  });

  test('that is not there has none', () => {
    assert.deepEqual(atOnce(serviceDetail(listedOf([]), 'a/b')), { frontends: [], left: 0, shortfalls: [] });
  });
});
