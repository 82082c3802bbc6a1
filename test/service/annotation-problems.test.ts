import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { annotationProblems } from '../../src/service/annotation-problems.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';

function clusterWith(problems: readonly string[] | undefined, ...slices: readonly (string | undefined)[]): Cluster {
  const cluster = new Cluster(NODE_NAME);
  cluster.set(service(problems === undefined ? {} : { options: { problems } }));
  for (const [i, problem] of slices.entries()) {
    cluster.set(
      slice([ready(`10.0.0.${i}`)], { name: `web-${i}`, ...(problem !== undefined && { options: { problem } }) }),
    );
  }
  return cluster;
}

suite('what annotations count for nothing', () => {
  test('is nothing where all count', () => {
    assert.equal(annotationProblems(clusterWith(undefined, undefined), 'default/web'), undefined);
    assert.equal(annotationProblems(new Cluster(NODE_NAME), 'default/web'), undefined);
  });

  test('is told of a Service and of its slices, by their names', () => {
    assert.equal(annotationProblems(clusterWith(['a'], undefined, 'b'), 'default/web'), 'a, EndpointSlice web-1: b');
  });

  test('is told of annotations that do not go together', () => {
    const cluster = new Cluster(NODE_NAME);
    cluster.set(service({ options: { lbAlgorithm: 'client-hash', maxConnections: 10 } }));
    assert.match(
      annotationProblems(cluster, 'default/web') ?? '',
      /^kube-proxy-nft\/max-connections: counts for nothing/,
    );
    cluster.set(service({ options: { lbAlgorithm: 'connection-hash' }, affinitySeconds: 60 }));
    assert.match(annotationProblems(cluster, 'default/web') ?? '', /^kube-proxy-nft\/lb-algorithm: .* sessionAffinity/);
    cluster.set(service({ options: { lbAlgorithm: 'connection-hash' } }));
    assert.equal(annotationProblems(cluster, 'default/web'), undefined);
    // Cilium's annotation was not meant for us.
    cluster.readsCilium = true;
    cluster.set(service({ options: { ciliumLbAlgorithm: 'maglev' }, affinitySeconds: 60 }));
    assert.equal(annotationProblems(cluster, 'default/web'), undefined);
  });

  test('is told of a few slices, always the same, in whatever order they came', () => {
    const all = annotationProblems(clusterWith(undefined, ...Array.from({ length: 30 }, () => 'x')), 'default/web');
    assert.equal(all, 'EndpointSlice web-0: x, EndpointSlice web-10: x, EndpointSlice web-11: x');
  });
});
