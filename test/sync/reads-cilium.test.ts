import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServiceOptions } from '../../src/objects/service-options.ts';
import { clusterWith, modelFor } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';

test('a model reads Cilium’s annotations where its cluster says so', () => {
  const frontendWith = (readsCilium: boolean) => {
    const cluster = clusterWith(
      service({ options: { ciliumLbAlgorithm: 'maglev' } }),
      ...[10, 90].map((ciliumWeight, i) =>
        slice([ready(`10.0.0.${i + 1}`)], { name: `web-${i}`, options: { ciliumWeight } }),
      ),
    );
    cluster.readsCilium = readsCilium;
    const { model, drain } = modelFor(cluster);
    drain();
    const [frontend] = model.frontendsOf('default/web');
    return [frontend?.hashing?.by, frontend?.endpoints.map(({ weight = 1 }) => weight)];
  };
  assert.deepEqual(frontendWith(true), ['connection', [1, 9]]);
  assert.deepEqual(frontendWith(false), [undefined, [1, 1]]);
});

test('a wrong value of Cilium’s annotations is reported where its cluster says that they apply', () => {
  const told = (readsCilium: boolean) => {
    const wrong = readServiceOptions({ 'service.cilium.io/lb-algorithm': 'magle' });
    const cluster = clusterWith(service({ ...(wrong && { options: wrong }) }), slice([ready('10.0.0.1')]));
    cluster.readsCilium = readsCilium;
    const { drain, shortfalls } = modelFor(cluster);
    drain();
    return [shortfalls.count('annotation'), ...shortfalls.of('Service', 'default/web')];
  };
  const problem = 'service.cilium.io/lb-algorithm: "magle": must be one of random, maglev (annotation)';
  assert.deepEqual(told(true), [1, problem]);
  assert.deepEqual(told(false), [0]);
});
