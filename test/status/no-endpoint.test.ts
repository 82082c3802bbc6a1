import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EndpointSlice } from '../../src/objects/endpoint-slice.ts';
import { noEndpoint, whereElse } from '../../src/status/no-endpoint.ts';
import { HTTP, notReady, ready, service, servingTerminating, slice, slicePort } from '../builders/objects.ts';

function why(slices: readonly EndpointSlice[], port = HTTP, family: 'ip' | 'ip6' = 'ip'): string {
  return noEndpoint(service(), port, { family, slices }).reason;
}

suite('why there is no endpoint', () => {
  test('is told from what the slices say', () => {
    const one = [ready('10.0.0.1')];
    const named = (name: string, changes = {}) =>
      slice(one, { name: 'zz-1', ports: [slicePort({ name, ...changes })] });
    assert.equal(why([]), 'it has no EndpointSlice');
    assert.equal(why([slice([]), slice([], { name: 'web-2' })]), 'its EndpointSlices have no endpoint');
    assert.equal(why([slice(one)], HTTP, 'ip6'), 'none of its 1 endpoint has an IPv6 address');
    assert.equal(why([named('htp')]), 'slice zz-1 names its port htp, but the Service names it http');
    assert.equal(why([named('')]), 'slice zz-1 names its port "" (no name), but the Service names it http');
    assert.equal(
      why([named('http', { protocol: 'udp' })]),
      'slice zz-1 has protocol udp for its port, but the Service has tcp',
    );
    assert.equal(
      why([slice(one, { name: 'zz-1', ports: [slicePort({ name: 'a' }), slicePort({ name: 'b', protocol: 'udp' })] })]),
      'slice zz-1 has the ports a/tcp, b/udp, but the Service has http/tcp',
    );
    assert.equal(why([slice(one, { name: 'zz-1', ports: [] })]), 'slice zz-1 has no port with a number');
    assert.equal(why([slice([notReady('10.0.0.1')])]), 'its endpoint is not ready');
    assert.equal(
      why([slice([notReady('10.0.0.1'), notReady('10.0.0.2')]), named('htp')]),
      'none of its 2 endpoints is ready',
    );
  });

  test('comes with what to do', () => {
    const { remedy } = noEndpoint(service(), HTTP, { family: 'ip', slices: [] });
    assert.match(remedy ?? '', /kubectl -n default get endpointslices -l kubernetes\.io\/service-name=web$/);
  });
});

test('where the endpoints are is told by node, those that can be used', () => {
  const where = (endpoints: Parameters<typeof slice>[0]) => whereElse(HTTP, 'ip', [slice(endpoints)]);
  assert.equal(where([ready('10.0.0.1')]), 'its only endpoint is on node node-b');
  assert.equal(
    where([ready('10.0.0.1'), servingTerminating('10.0.0.2'), notReady('10.0.0.3'), ready('fd00::1')]),
    'its 2 endpoints are on node node-b',
  );
  const many = Array.from({ length: 7 }, (_, i) => ready(`10.0.0.${i}`, { nodeName: `n${i}` }));
  assert.equal(where(many), 'its 7 endpoints are on nodes n0, n1, n2, n3, n4, …');
  assert.equal(where([ready('10.0.0.1', { nodeName: '' })]), 'its only endpoint is not known to be on this node');
});
