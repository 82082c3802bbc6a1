import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { annotationProblems } from '../../src/service/annotation-problems.ts';
import { clusterWith } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';

function problems(ofService: readonly string[] | undefined, ...slices: readonly (string | undefined)[]) {
  const cluster = clusterWith(
    service(ofService === undefined ? {} : { options: { problems: ofService } }),
    ...slices.map((problem, i) =>
      slice([ready(`10.0.0.${i}`)], { name: `web-${i}`, ...(problem !== undefined && { options: { problem } }) }),
    ),
  );
  return annotationProblems(cluster, 'default/web', []);
}

suite('what annotations count for nothing', () => {
  test('is nothing where all count', () => {
    assert.equal(problems(undefined, undefined), undefined);
    assert.equal(annotationProblems(clusterWith(), 'default/web', []), undefined);
  });

  test('is told of a Service and of its slices, by their names', () => {
    assert.equal(problems(['a'], undefined, 'b'), 'a, EndpointSlice web-1: b');
  });

  test('is told of annotations that do not go together', () => {
    const cluster = clusterWith(service({ options: { lbAlgorithm: 'client-hash', maxConnections: 10 } }));
    assert.match(
      annotationProblems(cluster, 'default/web', []) ?? '',
      /^kube-proxy-nft\/max-connections: has no effect/,
    );
    cluster.set(service({ options: { lbAlgorithm: 'connection-hash' }, affinitySeconds: 60 }));
    assert.match(
      annotationProblems(cluster, 'default/web', []) ?? '',
      /^kube-proxy-nft\/lb-algorithm: .* sessionAffinity/,
    );
    cluster.set(service({ options: { lbAlgorithm: 'connection-hash' } }));
    assert.equal(annotationProblems(cluster, 'default/web', []), undefined);
    // Cilium's annotation was not meant for us.
    cluster.readsCilium = true;
    cluster.set(service({ options: { ciliumLbAlgorithm: 'maglev' }, affinitySeconds: 60 }));
    assert.equal(annotationProblems(cluster, 'default/web', []), undefined);
  });

  test('is told of a few slices, always the same, in whatever order they came', () => {
    const all = problems(undefined, ...Array.from({ length: 30 }, () => 'x'));
    assert.equal(all, 'EndpointSlice web-0: x, EndpointSlice web-10: x, EndpointSlice web-11: x');
  });
});
