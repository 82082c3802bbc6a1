import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Protocol } from '../../src/objects/protocol.ts';
import { annotationProblems } from '../../src/service/annotation-problems.ts';
import type { Frontend } from '../../src/service/frontend.ts';
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

  test('is told of Cilium’s annotations, if they apply', () => {
    const ciliumProblem = 'service.cilium.io/x: must be y';
    const cluster = clusterWith(
      service({ options: { ciliumProblem } }),
      slice([ready('10.0.0.1')], { name: 'web-1', options: { ciliumProblem } }),
    );
    const told = () => annotationProblems(cluster, 'default/web', []);
    assert.equal(told(), undefined);
    cluster.readsCilium = true;
    assert.equal(told(), `${ciliumProblem}, EndpointSlice web-1: ${ciliumProblem}`);
    // Of a slice, the first problem is told.
    cluster.set(slice([ready('10.0.0.1')], { name: 'web-1', options: { problem: 'a', ciliumProblem } }));
    assert.equal(told(), `${ciliumProblem}, EndpointSlice web-1: a`);
    // With valid annotations of ours, Cilium's are irrelevant. The weight of one slice is enough for all of them.
    cluster.set(service({ options: { ciliumProblem, lbAlgorithm: 'random' } }));
    cluster.set(slice([ready('10.0.0.1')], { name: 'web-1', options: { ciliumProblem } }));
    cluster.set(slice([ready('10.0.0.2')], { name: 'web-2', options: { weight: 2 } }));
    assert.equal(told(), undefined);
    cluster.set(service({ options: { ciliumProblem, problems: ['b'] } }));
    assert.equal(told(), `b, ${ciliumProblem}`);
  });

  test('is told of resets that only node ports have, of TCP', () => {
    const of = (kind: Frontend['kind'], protocol: Protocol, resetGoneEndpoints = true, resetsLackRules = true) =>
      annotationProblems(
        clusterWith(service({ options: { resetGoneEndpoints } })),
        'default/web',
        [{ kind, protocol }],
        { resetsLackRules },
      );
    assert.match(
      of('cluster-ip', 'tcp') ?? '',
      /^kube-proxy-nft\/reset-gone-endpoints: has an effect only at node ports/,
    );
    assert.equal(of('node-port', 'tcp'), undefined);
    assert.equal(of('cluster-ip', 'udp'), undefined);
    assert.equal(of('cluster-ip', 'tcp', false), undefined);
    assert.equal(of('cluster-ip', 'tcp', true, false), undefined);
  });

  test('is told of a few slices, always the same, in whatever order they came', () => {
    const all = problems(undefined, ...Array.from({ length: 30 }, () => 'x'));
    assert.equal(all, 'EndpointSlice web-0: x, EndpointSlice web-10: x, EndpointSlice web-11: x');
  });
});
