import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawCluster } from '../../scripts/bench/raw-cluster.ts';
import { NODE_NAME, serviceKey, syntheticCluster } from '../../scripts/bench/synthetic-cluster.ts';
import { decodeObject } from '../../src/objects/decode.ts';
import { Cluster } from '../../src/service/cluster.ts';

test('rawCluster: decoded, it is the synthetic cluster of that size', () => {
  const size = { services: 3, endpoints: 2 };
  const decoded = new Cluster(NODE_NAME);
  for (const raw of rawCluster(size)) {
    const { object } = decodeObject(raw.kind, raw);
    assert.ok(object !== undefined, JSON.stringify(raw));
    decoded.set(object);
  }
  const synthetic = syntheticCluster(size);
  for (let n = 0; n < size.services; n++) {
    assert.deepEqual(decoded.service(serviceKey(n)), synthetic.service(serviceKey(n)));
    assert.deepEqual(decoded.slicesOf(serviceKey(n)), synthetic.slicesOf(serviceKey(n)));
  }
  assert.equal(decoded.node?.name, NODE_NAME);
});
