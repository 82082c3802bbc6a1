import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceSize } from '../../src/service/service-size.ts';
import { HTTP, ready, service, slice } from '../builders/objects.ts';

test('the size of a Service grows with its ports, addresses, endpoints, source ranges, and with session affinity', () => {
  const slices = [slice([ready('10.0.0.1'), ready('10.0.0.2')]), slice([ready('10.0.0.3')], { name: 'web-2' })];
  const more = {
    externalIps: ['203.0.113.1'],
    loadBalancerIps: ['203.0.113.2'],
    sourceRanges: ['192.0.2.0/24', '198.51.100.0/24'],
  };
  assert.equal(serviceSize(service(), []), 4);
  assert.equal(serviceSize(service(), slices), 10);
  assert.equal(serviceSize(service(more), slices), 22);
  assert.equal(serviceSize(service({ affinitySeconds: 60 }), slices), 160);
});

test('with session affinity, or a number of connections, an endpoint has rules of its own and no slots', () => {
  const slices = [slice([ready('10.0.0.1'), ready('10.0.0.2')], { options: { weight: 5 } })];
  const sizeWith = (changes: Parameters<typeof service>[0]) => serviceSize(service(changes), slices);
  assert.equal(sizeWith({ options: { slowStartSeconds: 30 } }), 2 * (2 + 2 * 5 * 8));
  const withChains = 2 * (2 + 2) + 2 * 50;
  assert.equal(sizeWith({ affinitySeconds: 60 }), withChains);
  assert.equal(sizeWith({ affinitySeconds: 60, options: { slowStartSeconds: 30 } }), withChains);
  assert.equal(sizeWith({ options: { slowStartSeconds: 30, maxConnections: 9 } }), withChains);
});

test('all addresses of a port share the rules of its endpoints', () => {
  const slices = [slice([ready('10.0.0.1'), ready('10.0.0.2')])];
  const sizeWith = (changes: Parameters<typeof service>[0]) =>
    serviceSize(service({ affinitySeconds: 60, ...changes }), slices);
  const ofAddress = sizeWith({ externalIps: ['203.0.113.1'] }) - sizeWith({});
  assert.equal(ofAddress, 4, 'its verdict, its source NAT, and what it may have of each endpoint');
  const ports = [HTTP, { ...HTTP, name: 'other', port: 81 }];
  assert.equal(sizeWith({ ports }), 2 * sizeWith({}));
});
