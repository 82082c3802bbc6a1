import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NodeWatch } from '../../../src/daemon/watches/node-watch.ts';
import { Cluster } from '../../../src/service/cluster.ts';
import { NODE_NAME, node, ready, service, slice } from '../../builders/objects.ts';
import { recordingLog } from '../../builders/recording-log.ts';
import { FakeClock } from '../../sync/fake-clock.ts';

/** A watch over five nodes, with a Service on each of the first three. */
function watching({ skipUnreachableNodes = true } = {}) {
  const cluster = new Cluster(NODE_NAME, { skipUnreachableNodes });
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const told: (readonly string[])[] = [];
  const watch = new NodeWatch({ cluster, log, clock, onChanged: (keys) => told.push(keys) });
  const put = (i: number, isReady = true) => {
    cluster.set(node({ name: `node-${i}`, ...(!isReady && { unready: true }) }));
    watch.looked();
  };
  for (const i of [0, 1, 2]) {
    const name = `on-${i}`;
    cluster.set(service({ name }));
    cluster.set(slice([ready(`10.0.0.${i}`, { nodeName: `node-${i}` })], { name, serviceName: name }));
  }
  for (let i = 0; i < 5; i++) put(i);
  return { cluster, clock, lines, told, watch, put };
}

suite('nodes that are Ready no more', () => {
  test('count half a second later, together, for the Services with endpoints there; a line says so', async () => {
    const { cluster, clock, lines, told, watch, put } = watching();
    watch.whole();
    put(1, false);
    put(2, false);
    assert.deepEqual([told, lines], [[], []]);
    await clock.pass(500);
    assert.deepEqual(told, [['default/on-1', 'default/on-2']]);
    assert.deepEqual([...(cluster.avoidedNodes ?? [])], ['node-1', 'node-2']);
    assert.deepEqual(lines, [
      'I 2 of 5 nodes not Ready: node-1, node-2; their endpoints are used only if there are no others servicesChanged=2',
    ]);
    for (const i of [1, 2]) put(i);
    await clock.pass(500);
    assert.equal(told.length, 2);
    assert.equal(lines[1], 'I 5 nodes, all Ready servicesChanged=2');
  });

  test('in great numbers: a warning, and nothing is avoided', async () => {
    const { cluster, clock, lines, watch, put } = watching();
    watch.whole();
    for (const i of [1, 2, 3]) put(i, false);
    await clock.pass(500);
    assert.equal(cluster.avoidedNodes?.size, 0);
    assert.match(
      lines.join(),
      /^W 3 of 5 nodes not Ready: .*; more than half, so their endpoints are used like all others/,
    );
  });

  test('before all objects have come nothing counts; then at once', async () => {
    const { clock, lines, told, watch, put } = watching();
    put(1, false);
    await clock.pass(5000);
    assert.deepEqual([told, lines], [[], []]);
    watch.whole();
    await clock.pass(0);
    assert.deepEqual(told, [['default/on-1']]);
  });

  test('heartbeats, and nodes that come while all are Ready: nothing is waited for, and nothing said', async () => {
    const { clock, lines, told, watch, put } = watching();
    watch.whole();
    for (let i = 0; i < 9; i++) put(i);
    await clock.pass(5000);
    assert.deepEqual([told, lines], [[], []]);
  });

  test('are nothing to a daemon without --skip-unreachable-nodes', async () => {
    const { cluster, clock, lines, told, watch, put } = watching({ skipUnreachableNodes: false });
    watch.whole();
    put(1, false);
    await clock.pass(5000);
    assert.deepEqual([told, lines, cluster.avoidedNodes], [[], [], undefined]);
  });
});
