import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frontend } from '../../src/service/frontend.ts';
import { localhostNodePortsOf } from '../../src/service/localhost-node-ports.ts';
import { endpoint, frontend } from '../builders/frontends.ts';

const nodePort = (changes: Partial<Frontend> = {}) =>
  frontend([1, 2], { kind: 'node-port', address: '', port: 30080, ...changes });

test('of the frontends of a Service only TCP node ports are forwarded', () => {
  const frontends = [
    frontend([1]),
    frontend([1], { kind: 'external-ip' }),
    frontend([1], { kind: 'load-balancer-ip' }),
    nodePort({ protocol: 'udp' }),
    nodePort({ protocol: 'sctp' }),
    nodePort(),
  ];
  assert.deepEqual(localhostNodePortsOf(frontends), [
    { family: 'ip', port: 30080, servicePort: 'default/web:http', endpoints: [endpoint(1), endpoint(2)] },
  ]);
});

test('under policy Local only endpoints of this node are used, and none if it has none', () => {
  const here = [endpoint(2, true)];
  const endpointsOf = (changes: Partial<Frontend>) => localhostNodePortsOf([nodePort(changes)])[0]?.endpoints;
  assert.deepEqual(endpointsOf({ policy: 'local', localEndpoints: here }), here);
  assert.deepEqual(endpointsOf({ policy: 'local' }), []);
});

test('session affinity is handed on', () => {
  assert.equal(localhostNodePortsOf([nodePort({ affinitySeconds: 60 })])[0]?.affinitySeconds, 60);
});
