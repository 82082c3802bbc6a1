import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawService, rawSlice } from '../../scripts/bench/raw-cluster.ts';
import { storedCluster } from '../../scripts/bench/stored-cluster.ts';
import {
  clusterIp,
  NODE_NAME,
  podAddresses,
  serviceKey,
  syntheticCluster,
} from '../../scripts/bench/synthetic-cluster.ts';
import { decodeObject } from '../../src/objects/decode.ts';
import { Cluster } from '../../src/service/cluster.ts';
import type { RawObject } from '../doubles/api-server-store.ts';

const SIZE = { services: 4, endpoints: 2 };

/** As an API server gives an object back: with a version, and with what it added by itself. */
function asRead(object: RawObject): RawObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '7', generation: 1 } };
}

const EXAMPLES = {
  service: asRead(rawService(0)),
  slice: asRead(rawSlice(0, podAddresses(0, SIZE))),
  address: asRead({
    kind: 'ServiceCIDR',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name: clusterIp(0), labels: { managed: 'yes' } },
    spec: { parentRef: { resource: 'services', namespace: 'namespace-0', name: 'service-0' } },
  }),
};

const stored = new Map(Array.from(storedCluster(SIZE, EXAMPLES), ({ key, object }) => [key, object as RawObject]));

test('storedCluster: decoded, it is the synthetic cluster of that size but for the first Service', () => {
  const decoded = new Cluster(NODE_NAME);
  for (const [key, raw] of stored) {
    if (key.startsWith('/registry/ipaddresses/')) continue;
    const { object } = decodeObject(raw.kind, raw);
    assert.ok(object !== undefined, JSON.stringify(raw));
    decoded.set(object);
  }
  const synthetic = syntheticCluster(SIZE);
  for (let n = 1; n < SIZE.services; n++) {
    assert.deepEqual(decoded.service(serviceKey(n)), synthetic.service(serviceKey(n)));
    assert.deepEqual(decoded.slicesOf(serviceKey(n)), synthetic.slicesOf(serviceKey(n)));
  }
  assert.equal(decoded.service(serviceKey(0)), undefined);
});

test('storedCluster: each Service has its address, and etcd gives all their versions', () => {
  const address = stored.get(`/registry/ipaddresses/${clusterIp(3)}`);
  assert.deepEqual(address?.['spec'], {
    parentRef: { resource: 'services', namespace: 'namespace-3', name: 'service-3' },
  });
  assert.deepEqual(address?.metadata.labels, { managed: 'yes' });
  assert.equal(stored.size, 3 * (SIZE.services - 1));
  for (const { metadata } of stored.values()) {
    assert.equal(metadata['resourceVersion'], undefined);
    assert.equal(metadata['generation'], 1);
  }
});
