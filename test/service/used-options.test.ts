import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SliceOptions } from '../../src/objects/slice-options.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { countOptions, usedOptions } from '../../src/service/used-options.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';

const withOptions = (...all: readonly SliceOptions[]) => all.map((options) => ({ options }));

suite('what Services request beyond kube-proxy', () => {
  test('has weights of slices, those of Cilium where they count', () => {
    const [own, cilium] = [{ weight: 9 }, { ciliumWeight: 9 }];
    assert.deepEqual(usedOptions({ options: { limitPerSecond: 1 } }, withOptions({}, own), false), ['limit', 'weight']);
    assert.deepEqual(usedOptions({}, withOptions(cilium), true), ['service.cilium.io/weight']);
    assert.deepEqual(usedOptions({}, withOptions(cilium, own), true), ['weight']);
    assert.deepEqual(usedOptions({}, withOptions(cilium), false), []);
    assert.deepEqual(usedOptions({}, [{}], true), []);
  });

  test('is counted by Service, a Service once for all of its slices', () => {
    const cluster = new Cluster(NODE_NAME);
    cluster.set(service());
    assert.equal(countOptions(cluster), undefined);
    cluster.set(service({ name: 'a', options: { slowStartSeconds: 1, problems: ['x'] } }));
    cluster.set(service({ name: 'b', options: { slowStartSeconds: 2, limitPerSecond: 1 } }));
    for (const name of ['web-1', 'web-2']) cluster.set(slice([ready('10.0.0.1')], { name, options: { weight: 2 } }));
    assert.deepEqual(Object.entries(countOptions(cluster) ?? {}), [
      ['limit', 1],
      ['slow-start', 2],
      ['weight', 1],
    ]);
  });
});
