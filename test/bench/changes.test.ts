import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CHANGES, Changes } from '../../scripts/bench/changes.ts';
import { elementOperations } from '../../scripts/bench/element-operations.ts';
import { HugeService } from '../../scripts/bench/huge-service.ts';
import { documentOf, modelOf } from '../../scripts/bench/syncer.ts';
import { serviceKey, syntheticCluster } from '../../scripts/bench/synthetic-cluster.ts';
import type { Cluster } from '../../src/service/cluster.ts';

const SIZE = { services: 10, endpoints: 5 };

/** A model that is up to date, and the element operations that a change of its cluster leads to. */
function followed(cluster: Cluster) {
  const model = modelOf(cluster);
  const drain = () => {
    let operations = 0;
    while (model.isDirty) {
      const json = documentOf(model, 'kube-proxy-nft', model.nextTransaction());
      if (json !== undefined) operations += elementOperations(json);
    }
    return operations;
  };
  model.restart([]);
  drain();
  return (keys: readonly string[]) => {
    for (const key of keys) model.markDirty(key);
    return drain();
  };
}

suite('Changes', () => {
  test('one turn: within the capacity one or three elements, across it the verdict too, a Service all of its own', () => {
    const cluster = syntheticCluster(SIZE);
    const changes = new Changes(cluster, SIZE);
    const operations = followed(cluster);
    // Removed is the first of six, then the first two of five: the last slots move into the holes. A Service has a counter.
    assert.deepEqual(
      CHANGES.map((change) => operations(changes.make(change, 3, 0))),
      [1, 3, 10, 4, 8, 8],
    );
  });

  test('after a turn there are as many endpoints and Services as before', () => {
    const cluster = syntheticCluster(SIZE);
    const changes = new Changes(cluster, SIZE);
    for (const turn of [0, 1, 2]) for (const change of CHANGES) changes.make(change, 3, turn);
    assert.equal(cluster.slicesOf(serviceKey(3))[0]?.endpoints.length, 5);
    assert.equal([...cluster.serviceKeys()].length, 10);
  });

  test('tell of each Service once', () => {
    const changes = new Changes(syntheticCluster(SIZE), SIZE);
    assert.deepEqual(changes.make('service added', 0, 0), [serviceKey(10)]);
    assert.deepEqual(changes.make('service removed', 0, 0), [serviceKey(10)]);
  });
});

suite('HugeService', () => {
  test('one endpoint more or less is as few elements as in a small Service', () => {
    const cluster = syntheticCluster(SIZE);
    const huge = new HugeService(cluster, SIZE, 5000);
    const operations = followed(cluster);
    for (const turn of [0, 1, 49, 50]) {
      assert.equal(operations(huge.gain(turn)), 1);
      assert.equal(operations(huge.lose(turn)), 3);
    }
  });

  test('without endpoints is not there', () => {
    const cluster = syntheticCluster(SIZE);
    new HugeService(cluster, SIZE, 0);
    assert.equal([...cluster.serviceKeys()].length, 10);
  });
});
