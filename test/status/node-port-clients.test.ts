import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { renderServices } from '../../src/daemon/answers/services-answer.ts';
import { serviceDetail } from '../../src/page/service-detail.ts';
import { atOnce } from '../../src/service/steps.ts';
import type { ServiceRow } from '../../src/status/service-rows.ts';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { smallCluster } from '../cli/trace/small-cluster.ts';

/** A Service with a ClusterIP and a node port, of both families; the second one's endpoint is elsewhere. */
function shownWith(...flags: readonly string[]) {
  const spec = {
    type: 'NodePort',
    clusterIPs: ['10.96.0.80', 'fd00:96::80'],
    ports: [{ port: 80, nodePort: 30_080 }],
  };
  const { args, cluster, known } = smallCluster(flags, [
    rawService('web', '10.96.0.80', spec),
    rawSlice('web', [], { endpoints: [{ addresses: ['10.32.0.5'] }] }),
  ]);
  const { rows }: { readonly rows: readonly ServiceRow[] } = JSON.parse(
    renderServices(known, new URLSearchParams(), args),
  );
  const models = known.models.map(({ model }) => model);
  const { frontends } = atOnce(serviceDetail({ cluster, models, shortfalls: known.shortfalls }, 'default/web'));
  assert.deepEqual(
    frontends.map(({ fate }) => fate),
    rows.map(({ fate }) => fate),
  );
  return rows.map(({ kind, fate, nodePortClients }) => [kind, fate, nodePortClients]);
}

const NETWORKS = '192.0.2.0/24,10.32.0.0/16';
const REFUSED = 'refused: no endpoint is ready';

suite('the networks that may use node ports', () => {
  test('are shown with node ports alone', () => {
    assert.deepEqual(shownWith('--node-port-source-ranges', NETWORKS), [
      ['cluster-ip', 'served', undefined],
      ['node-port', 'served; from 2 networks only', ['192.0.2.0/24', '10.32.0.0/16']],
      ['cluster-ip', REFUSED, undefined],
      ['node-port', REFUSED, []],
    ]);
  });

  test('are only the node itself, where all are of the other family', () => {
    const [, nodePort] = shownWith('--node-port-source-ranges', '2001:db8::/32');
    assert.deepEqual(nodePort, ['node-port', 'served; from this node only', []]);
  });

  test('are not shown where everybody may, with the flag or without it', () => {
    for (const flags of [[], ['--node-port-source-ranges', `${NETWORKS},0.0.0.0/0,::/0`]]) {
      assert.deepEqual(shownWith(...flags), [
        ['cluster-ip', 'served', undefined],
        ['node-port', 'served', undefined],
        ['cluster-ip', REFUSED, undefined],
        ['node-port', REFUSED, undefined],
      ]);
    }
  });
});
