import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeObject } from '../../src/objects/decode.ts';
import type { Service } from '../../src/objects/service.ts';
import { rawService } from '../builders/raw-objects.ts';

function decoded(raw: unknown): Service {
  const { object } = decodeObject('Service', raw);
  assert.equal(object?.kind, 'Service');
  return object;
}

function problemWith(raw: unknown): string {
  const result = decodeObject('Service', raw);
  return result.object === undefined ? result.problem : '(none)';
}

suite('a Service', () => {
  test('is slimmed to the fields in use', () => {
    const raw = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'db',
        namespace: 'prod',
        uid: '1',
        creationTimestamp: '2026-01-02T03:04:05Z',
        managedFields: [{ manager: 'kubectl' }],
        labels: { app: 'db' },
      },
      spec: {
        type: 'ClusterIP',
        clusterIP: '10.96.0.12',
        clusterIPs: ['10.96.0.12'],
        selector: { app: 'db' },
        ports: [
          { name: 'mysql', protocol: 'TCP', port: 3306, targetPort: 3306, nodePort: 30000 },
          { name: 'admin', port: 33060, nodePort: 0 },
        ],
        externalIPs: ['203.0.113.5'],
        loadBalancerSourceRanges: [' 10.1.2.3/8 '],
        internalTrafficPolicy: 'Local',
        externalTrafficPolicy: 'Local',
      },
      status: {
        loadBalancer: {
          ingress: [{ ip: '203.0.113.9' }, { ip: '203.0.113.10', ipMode: 'Proxy' }, { hostname: 'lb.example' }],
        },
      },
    };
    assert.deepEqual(decodeObject('Service', raw), {
      key: 'prod/db',
      object: {
        kind: 'Service',
        namespace: 'prod',
        name: 'db',
        createdAt: '2026-01-02T03:04:05Z',
        otherProxy: false,
        type: 'ClusterIP',
        clusterIps: ['10.96.0.12'],
        ports: [
          { name: 'mysql', protocol: 'tcp', port: 3306, nodePort: 30000 },
          { name: 'admin', protocol: 'tcp', port: 33060 },
        ],
        externalIps: ['203.0.113.5'],
        loadBalancerIps: ['203.0.113.9'],
        sourceRanges: ['10.0.0.0/8'],
        internalLocal: true,
        externalLocal: true,
      },
    });
  });

  test('has the defaults of the API: namespace default, type ClusterIP, protocol TCP, an unnamed port', () => {
    const service = decoded({ metadata: { name: 'db' }, spec: { clusterIP: '10.96.0.12', ports: [{ port: 1 }] } });
    assert.equal(service.namespace, 'default');
    assert.equal(service.type, 'ClusterIP');
    assert.equal(service.createdAt, '');
    assert.deepEqual(service.ports, [{ name: '', protocol: 'tcp', port: 1 }]);
  });

  test('null means absent, as API servers written in Go send it', () => {
    const spec = { type: null, clusterIP: null, clusterIPs: null, ports: null };
    const service = decoded({ metadata: { name: 'db', creationTimestamp: null, labels: null }, spec });
    assert.deepEqual(service.clusterIps, []);
    assert.deepEqual(service.ports, []);
  });

  test('knows UDP and SCTP', () => {
    const ports = [
      { name: 'a', protocol: 'UDP', port: 53 },
      { name: 'b', protocol: 'SCTP', port: 9 },
    ];
    assert.deepEqual(
      decoded(rawService('dns', '10.96.0.10', { ports })).ports.map(({ protocol }) => protocol),
      ['udp', 'sctp'],
    );
  });

  test('of both families keeps one canonical ClusterIP each, in order', () => {
    const clusterIPs = ['FD00:96::000A', '10.96.0.10', '10.96.0.11', 'fd00:96::b'];
    assert.deepEqual(decoded(rawService('web', '10.96.0.10', { clusterIPs })).clusterIps, ['fd00:96::a', '10.96.0.10']);
  });

  test('older than dual-stack has its ClusterIP from spec.clusterIP', () => {
    assert.deepEqual(decoded(rawService('web', '10.96.0.10', { clusterIPs: [] })).clusterIps, ['10.96.0.10']);
  });

  for (const clusterIP of ['None', '']) {
    test(`with clusterIP ${JSON.stringify(clusterIP)} has no ClusterIP`, () => {
      assert.deepEqual(decoded(rawService('web', clusterIP)).clusterIps, []);
    });
  }

  test('is of another proxy by the label service-proxy-name, whatever its value', () => {
    const labelled = (value: string) => ({
      ...rawService('web', '10.96.0.10'),
      metadata: { name: 'web', labels: { 'service.kubernetes.io/service-proxy-name': value } },
    });
    assert.equal(decoded(labelled('other')).otherProxy, true);
    assert.equal(decoded(labelled('')).otherProxy, true);
    assert.equal(decoded(rawService('web', '10.96.0.10')).otherProxy, false);
  });
});

suite('session affinity of a Service', () => {
  const seconds = (spec: object) => decoded(rawService('web', '10.96.0.10', spec)).affinitySeconds;

  test('ClientIP has a timeout, three hours by default; None and nothing have no affinity', () => {
    assert.equal(seconds({}), undefined);
    assert.equal(
      seconds({ sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }),
      undefined,
    );
    assert.equal(seconds({ sessionAffinity: 'ClientIP' }), 10_800);
    for (const config of [null, {}, { clientIP: null }, { clientIP: {} }]) {
      assert.equal(seconds({ sessionAffinity: 'ClientIP', sessionAffinityConfig: config }), 10_800);
    }
    const config = { clientIP: { timeoutSeconds: 86_400 } };
    assert.equal(seconds({ sessionAffinity: 'ClientIP', sessionAffinityConfig: config }), 86_400);
  });
});

suite('the healthCheckNodePort of a Service', () => {
  test('is kept; 0 and null are none', () => {
    const port = (value: unknown) =>
      decoded(rawService('web', '10.96.0.10', { healthCheckNodePort: value })).healthCheckNodePort;
    assert.deepEqual([port(32_000), port(0), port(null)], [32_000, undefined, undefined]);
  });
});

suite('an invalid Service gives a problem that names the object and the field:', () => {
  const web = (spec: object) => rawService('web', '10.96.0.10', spec);
  const invalid: readonly [title: string, raw: unknown, problem: RegExp][] = [
    ['port 0', web({ ports: [{ port: 80 }, { port: 0 }] }), /^Service default\/web: spec\.ports\[1\]\.port: must be /],
    ['port 65536', web({ ports: [{ port: 65536 }] }), /^Service default\/web: spec\.ports\[0\]\.port: must be /],
    ['a port that is a text', web({ ports: [{ port: '80' }] }), /^Service default\/web: spec\.ports\[0\]\.port: /],
    ['port 80.5', web({ ports: [{ port: 80.5 }] }), /^Service default\/web: spec\.ports\[0\]\.port: /],
    ['no port number', web({ ports: [{}] }), /^Service default\/web: spec\.ports\[0\]\.port: /],
    ['an unknown protocol', web({ ports: [{ port: 1, protocol: 'tcp' }] }), /web: spec\.ports\[0\]\.protocol: /],
    ['a port name that breaks a comment', web({ ports: [{ port: 1, name: 'a"' }] }), /web: spec\.ports\[0\]\.name: /],
    ['ports that are no list', web({ ports: { port: 1 } }), /^Service default\/web: spec\.ports: /],
    [
      'a ClusterIP with leading zeros',
      web({ clusterIP: '010.96.0.1' }),
      /^Service default\/web: spec\.clusterIP: must /,
    ],
    ['a second ClusterIP that is none', web({ clusterIPs: ['10.96.0.1', 'x'] }), /web: spec\.clusterIPs\[1\]: must /],
    [
      'a timeout of more than a day',
      web({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } }),
      /web: spec\.sessionAffinityConfig\.clientIP\.timeoutSeconds: /,
    ],
    ['no spec', { metadata: { name: 'web', namespace: 'prod' } }, /^Service prod\/web: spec: /],
    ['no name', { metadata: {}, spec: {} }, /^Service \(without a name\): metadata\.name: /],
    ['no metadata', {}, /^Service \(without a name\): metadata: /],
    ['null', null, /^Service \(without a name\): the object: /],
  ];
  for (const [title, raw, problem] of invalid) {
    test(title, () => {
      assert.match(problemWith(raw), problem);
      assert.doesNotMatch(problemWith(raw), /\n/);
    });
  }

  for (const name of ['web"', 'we b', 'web\n', 'Web', 'web/x', '-web', 'web\\', 'wéb', '', 'a'.repeat(254)]) {
    test(`the name ${JSON.stringify(name.slice(0, 10))}, which an nft comment could not carry`, () => {
      assert.match(problemWith(rawService(name, '10.96.0.10')), /: metadata\.name: /);
    });
    test(`the namespace ${JSON.stringify(name.slice(0, 10))}`, () => {
      const raw = { ...rawService('web', '10.96.0.10'), metadata: { name: 'web', namespace: name } };
      assert.match(problemWith(raw), /: metadata\.namespace: /);
    });
  }

  test('and its key, so that the last valid version can stay', () => {
    assert.equal(decodeObject('Service', web({ ports: [{ port: 0 }] })).key, 'default/web');
  });
});
