import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { frontendsOf } from '../../src/service/frontend.ts';
import { noLocalEndpointsOf } from '../../src/service/no-local-endpoints.ts';
import { HTTP, NODE_NAME, notReady, ready, service, servingTerminating, slice } from '../builders/objects.ts';

const EXTERNAL = { externalIps: ['203.0.113.5', '203.0.113.6'], loadBalancerIps: ['203.0.113.9'] };
const BOTH_LOCAL = { ...EXTERNAL, internalLocal: true, externalLocal: true };

function count(changes: Partial<Service>, endpoints: readonly SliceEndpoint[]) {
  const frontends = frontendsOf(service(changes), [slice(endpoints)], 'ip', { nodeName: NODE_NAME, node: undefined });
  return noLocalEndpointsOf(frontends);
}

suite('a ServicePort lacks local endpoints', () => {
  const elsewhere = [ready('10.0.0.1')];

  test('once a policy, however many addresses it has', () => {
    assert.deepEqual(count(BOTH_LOCAL, elsewhere), { internal: 1, external: 1 });
    assert.deepEqual(count({ ...EXTERNAL, externalLocal: true }, elsewhere), { internal: 0, external: 1 });
    assert.deepEqual(count({ ...EXTERNAL, internalLocal: true }, elsewhere), { internal: 1, external: 0 });
  });

  test('each port of a Service by itself', () => {
    const ports = [HTTP, { ...HTTP, name: 'admin', port: 81 }];
    const slices = [
      slice(elsewhere),
      slice(elsewhere, { name: 'web-2', ports: [{ name: 'admin', protocol: 'tcp', port: 8081 }] }),
    ];
    const from = { nodeName: NODE_NAME, node: undefined };
    const frontends = frontendsOf(service({ ...BOTH_LOCAL, ports }), slices, 'ip', from);
    assert.deepEqual(noLocalEndpointsOf(frontends), { internal: 2, external: 2 });
  });

  test('not under policy Cluster, nor without addresses that policy Local is for', () => {
    assert.deepEqual(count(EXTERNAL, elsewhere), { internal: 0, external: 0 });
    assert.deepEqual(count({ externalLocal: true }, elsewhere), { internal: 0, external: 0 });
  });

  test('not if one is here, were it about to end', () => {
    const none = { internal: 0, external: 0 };
    assert.deepEqual(count(BOTH_LOCAL, [ready('10.0.0.1', { nodeName: NODE_NAME })]), none);
    assert.deepEqual(
      count(BOTH_LOCAL, [...elsewhere, { ...servingTerminating('10.0.0.2'), nodeName: NODE_NAME }]),
      none,
    );
  });

  test('not if there are none anywhere; but if those elsewhere are about to end', () => {
    assert.deepEqual(count(BOTH_LOCAL, []), { internal: 0, external: 0 });
    assert.deepEqual(count(BOTH_LOCAL, [notReady('10.0.0.1')]), { internal: 0, external: 0 });
    assert.deepEqual(count(BOTH_LOCAL, [servingTerminating('10.0.0.1')]), { internal: 1, external: 1 });
  });
});
