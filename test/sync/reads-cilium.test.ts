import assert from 'node:assert/strict';
import { test } from 'node:test';
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
