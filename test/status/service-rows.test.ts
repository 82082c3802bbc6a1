import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Frontend } from '../../src/service/frontend.ts';
import { besideRules, fateOf, serviceRow, withConnections } from '../../src/status/service-rows.ts';
import { inOrder, serviceTable } from '../../src/status/service-table.ts';
import { endpoint, frontend } from '../builders/frontends.ts';

const NODE_PORT = { kind: 'node-port', address: '', port: 30_080 } as const;
const OUTSIDE_LOCAL = { ...NODE_PORT, policy: 'local' } as const;

suite('what becomes of connections to a frontend', () => {
  const cases: readonly (readonly [what: string, Frontend, fate: string])[] = [
    ['with an endpoint', frontend([1]), 'served'],
    ['without one', frontend([]), 'refused: no endpoint is ready'],
    [
      'of internal policy Local with none here',
      frontend([], { policy: 'local', hasUsableEndpoints: true }),
      'dropped: internalTrafficPolicy Local, and its ready endpoints are on other nodes',
    ],
    [
      'of external policy Local with none here',
      frontend([1], OUTSIDE_LOCAL),
      'dropped from outside: externalTrafficPolicy Local, and its ready endpoints are on other nodes',
    ],
    [
      'of external policy Local with one here',
      frontend([1], { ...OUTSIDE_LOCAL, localEndpoints: [endpoint(1, true)] }),
      'served',
    ],
    [
      'with source ranges',
      frontend([1], { kind: 'load-balancer-ip', sourceRanges: ['192.0.2.0/24'] }),
      'served; from 1 source range only',
    ],
  ];
  for (const [what, given, fate] of cases) test(what, () => assert.equal(fateOf(given), fate));
});

suite('a row of a Service', () => {
  test('has its names, its address and its endpoints', () => {
    const row = serviceRow(frontend([1, 2], { affinitySeconds: 10_800 }));
    assert.deepEqual(row, {
      namespace: 'default',
      name: 'web',
      port: 'http',
      kind: 'cluster-ip',
      address: '10.96.0.10:80/tcp',
      endpoints: ['10.0.0.1:8080', '10.0.0.2:8080'],
      affinity: 'ClientIP 10800s',
      sourceRanges: [],
      fate: 'served',
    });
  });

  test('of IPv6, a node port, and the unnamed port', () => {
    assert.equal(serviceRow(frontend([], { family: 'ip6', address: 'fd00::1' })).address, '[fd00::1]:80/tcp');
    const row = serviceRow(frontend([1], { ...OUTSIDE_LOCAL, servicePort: 'default/web' }));
    assert.deepEqual([row.address, row.port, row.localEndpoints], [':30080/tcp', '', []]);
  });
});

suite('a table of Services', () => {
  const rows = [
    serviceRow(frontend([1], { ...OUTSIDE_LOCAL, localEndpoints: [] })),
    serviceRow(frontend([1, 2])),
    serviceRow(frontend([], { servicePort: 'default/db', address: '10.96.0.9', port: 5432 })),
  ];

  test('is in the order of names and kinds, with even columns', () => {
    assert.equal(
      serviceTable(inOrder(rows), false),
      `NAMESPACE   NAME   PORT   TYPE        FRONTEND             ENDPOINTS            STATE
default     db     -      ClusterIP   10.96.0.9:5432/tcp   0                    refused: no endpoint is ready
default     web    http   ClusterIP   10.96.0.10:80/tcp    2                    served
default     web    http   NodePort    :30080/tcp           0 here, 1 in total   dropped from outside: externalTrafficPolicy Local, and its ready endpoints are on other nodes
`,
    );
  });

  test('has endpoints and affinity where it is wide', () => {
    const [heading = '', , web = ''] = serviceTable(inOrder(rows), true).split('\n');
    assert.match(heading, /ENDPOINTS +AFFINITY +STATE +CONNECTIONS +ADDRESSES$/);
    assert.match(web, /2 +- +served +- +10\.0\.0\.1:8080,10\.0\.0\.2:8080$/);
  });

  test('says where it is wide that connections end when their endpoint is gone, of TCP', () => {
    const beside = besideRules({}, { resetGoneEndpoints: true });
    const [tcp, udp] = [serviceRow(frontend([1]), beside), serviceRow(frontend([1], { protocol: 'udp' }), beside)];
    assert.deepEqual([tcp.resetsGone, 'resetsGone' in udp], [true, false]);
    assert.match(serviceTable([tcp], true, false), / served; reset when its endpoint is gone +- /);
    assert.match(serviceTable([tcp], false, false), / served$/m);
  });

  test('says where it is wide what limits have done, of rows that have some', () => {
    const limited = serviceRow(frontend([1], { limitPerSecond: 5, maxConnections: 7 }));
    const counts = { limited: 40, full: 2, unlimited: 0 };
    const service = { namespace: 'default', service: 'web' };
    const answer = { readAt: 0, counted: false, ports: [], limited: [{ ...service, ...counts }] };
    const [told, other] = withConnections([limited, serviceRow(frontend([1]))], answer);
    assert.ok(told !== undefined && other !== undefined);
    assert.deepEqual([told.limitCounts, 'limitCounts' in other], [counts, false]);
    const state =
      /served; 5\/s for each client, 7 open at each endpoint \(of the Service: 40 refused by limit, 2 refused by max-connections\)/;
    assert.match(serviceTable([told], true, false), state);
    assert.doesNotMatch(serviceTable([limited], true, false), /of the Service/);
    const unlimited = { ...told, limitCounts: { ...counts, unlimited: 3 } };
    assert.match(serviceTable([unlimited], true, false), /2 refused by max-connections, 3 served without limit\)/);
  });

  test('goes without a heading', () => {
    assert.match(serviceTable(inOrder(rows), false, false), /^default +db /);
  });
});
