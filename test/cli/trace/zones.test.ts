import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { traceText } from '../../../src/cli/trace/text.ts';
import { renderServices } from '../../../src/daemon/answers/services-answer.ts';
import { serviceDetail } from '../../../src/page/service-detail.ts';
import { serviceLines } from '../../../src/page/service-lines.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { rawNode, rawService, rawSlice } from '../../builders/raw-objects.ts';
import { smallCluster } from './small-cluster.ts';

const ZONE = 'topology.kubernetes.io/zone';

/** What each place says of a Service with zone-spill-over, on a node and with an endpoint in these zones. */
async function told(node: string | undefined, endpoint: string | undefined) {
  const labels = node === undefined ? {} : { [ZONE]: node };
  const zone = endpoint === undefined ? {} : { zone: endpoint };
  const web = rawService('web', '10.96.0.80');
  const { args, cluster, known, trace } = smallCluster(
    [],
    [
      { ...rawNode('here', '192.0.2.1'), metadata: { name: 'here', labels } },
      { ...web, metadata: { ...web.metadata, annotations: { 'kube-proxy-nft/zone-spill-over': '30%' } } },
      rawSlice('web', [], { endpoints: [{ addresses: ['10.32.0.5'], ...zone }] }),
    ],
  );
  const { shortfalls } = known;
  const listed = { cluster, models: known.models.map(({ model }) => model), shortfalls };
  return {
    places: [
      renderServices(known, new URLSearchParams(), args),
      traceText(await trace('10.96.0.80:80/tcp'), false),
      JSON.stringify(atOnce(serviceLines(listed, 0, 0))),
      JSON.stringify(atOnce(serviceDetail(listed, 'default/web'))),
    ],
    shortfalls: shortfalls.of('Service', 'default/web'),
  };
}

suite('zone-spill-over where zones are not known', () => {
  test('get, trace and the page say that the node lacks one: no shortfall of each Service', async () => {
    for (const endpoint of ['a', undefined]) {
      const { places, shortfalls } = await told(undefined, endpoint);
      for (const text of places)
        assert.match(text, /zone-spill-over 30% has no effect: this node's zone is not known \(label topology/);
      assert.deepEqual(shortfalls, []);
    }
  });

  test('or that no endpoint has one: a shortfall, for all nodes tell the same', async () => {
    const { places, shortfalls } = await told('a', undefined);
    for (const text of places)
      assert.match(text, /zone-spill-over 30% has no effect: none of its ready endpoints has a zone/);
    assert.deepEqual(shortfalls, [
      'kube-proxy-nft/zone-spill-over: has no effect, as none of its ready endpoints has a zone (annotation)',
    ]);
  });

  test('and nothing of it where they are', async () => {
    const { places, shortfalls } = await told('a', 'b');
    for (const text of places) assert.doesNotMatch(text, /no effect/);
    assert.deepEqual(shortfalls, []);
  });
});
