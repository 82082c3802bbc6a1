import type { RawObject } from '../../doubles/api-server-store.ts';
import { again, type HostileCase } from '../case.ts';
import { clusterIp, podAddresses, portList, service, slice, slices } from '../objects.ts';

const ONE = podAddresses(1);
const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\r\n\u202e\u2066\u200b\u0000"; flush ruleset; #';

function named(object: RawObject, metadata: object): RawObject {
  return { ...object, metadata: { ...object.metadata, ...metadata } };
}

/** Objects that no honest client writes. */
export const JUNK: readonly HostileCase[] = [
  {
    name: 'invalid-fields',
    attack:
      '20 kinds of invalid Services and slices, 50 times a second: fields that are out of range, of the wrong type, or missing',
    during: (stage, signal) => {
      const specs: readonly object[] = [
        { ports: [{ name: 'a', port: 0 }] },
        { ports: [{ name: 'a', port: 65_536 }] },
        { ports: [{ name: 'a', port: '80' }] },
        { ports: [{ name: 'a', port: 80, nodePort: -1 }] },
        { ports: [{ name: 'a', port: 80, protocol: 'ICMP' }] },
        { ports: 'all' },
        { ports: { length: 10 } },
        { clusterIPs: ['10.96.0.1', '10.96.0.2', '10.96.0.3'] },
        { clusterIPs: ['10.96.0.1; flush ruleset'] },
        { clusterIPs: ['::ffff:10.96.0.1', 'fe80::1%eth0'] },
        { externalIPs: ['1.2.3', '1.2.3.4/8', '٣.٣.٣.٣'] },
        { loadBalancerSourceRanges: ['0.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08'] },
        { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } },
        { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: -1 } } },
        { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1e308 } } },
        { healthCheckNodePort: 70_000 },
        { type: ['ClusterIP'] },
        { internalTrafficPolicy: { toString: 1 } },
      ];
      return again(signal, 20, (round) => {
        const spec = specs[round % specs.length] ?? {};
        stage.put(
          service(`junk-${round % 97}`, clusterIp(1 + (round % 97)), spec),
          slice(`junk-${round % 97}`, `junk-${round % 97}`, [
            '1.2.3.4.5',
            '999.1.1.1',
            'localhost',
            '127.0.0.1',
            '10.33.0.1',
          ]),
          slice(`junk-b-${round % 97}`, `junk-${round % 97}`, ONE, [{ name: 'http', port: 80 }], {
            ports: [{ port: 1e9 }],
          }),
        );
      });
    },
  },
  {
    name: 'escape-sequences',
    attack:
      'control characters, bidirectional overrides and nft commands in names, labels, annotations and every field',
    during: (stage, signal) =>
      again(signal, 20, (round) => {
        const made = service(`esc-${round % 50}`, clusterIp(1 + (round % 50)), {
          type: ESCAPES,
          loadBalancerClass: ESCAPES,
        });
        stage.put(
          named(made, { annotations: { [ESCAPES]: ESCAPES }, labels: { app: ESCAPES } }),
          named(made, { name: `n${ESCAPES}${round % 50}` }),
          named(made, { namespace: ESCAPES }),
          service(`esc-p-${round % 50}`, clusterIp(60), { ports: [{ name: ESCAPES, port: 80, appProtocol: ESCAPES }] }),
          service(`esc-a-${round % 50}`, `10.0.0.1${ESCAPES}`),
          slice(`esc-s-${round % 50}`, `esc-${round % 50}`, [`10.33.0.1${ESCAPES}`], [{ name: ESCAPES, port: 80 }]),
        );
      }),
  },
  {
    name: 'longest-names',
    attack: '500 Services with names of 253 characters, whose port names have 63',
    during: (stage) => {
      for (let i = 0; i < stage.many(500); i++) {
        const name = `${'x'.repeat(249)}${String(i).padStart(4, '0')}`;
        const ports = portList(3).map((port, n) => ({ ...port, name: `${'p'.repeat(62)}${n}` }));
        const namespace = `${'n'.repeat(252)}1`;
        stage.put(
          named(service(name, clusterIp(1 + i), { ports }), { namespace }),
          named(slice(name, name, ONE, ports), { namespace }),
        );
      }
    },
  },
  {
    name: 'clashing-port-names',
    attack: 'a Service whose 100 ports have the same name, the same number, or both',
    during: (stage, signal) =>
      again(signal, 50, (round) => {
        const ports = portList(100).map((port, i) => ({
          ...port,
          name: round % 2 === 0 ? 'same' : port.name,
          port: round % 3 === 0 ? 80 : port.port,
          nodePort: 30_000 + (i % 7),
          appProtocol: `kubernetes.io/${'h2c'.repeat(round % 100)}`,
        }));
        stage.put(
          service('clash', clusterIp(1), { type: 'NodePort', ports }),
          ...slices('clash', podAddresses(20), ports),
        );
      }),
  },
  {
    name: 'same-addresses',
    attack: 'a Service with 20 ports and 20 slices of 1,000 endpoints, all with the same address, written every 200 ms',
    during: (stage, signal) => {
      const ports = portList(20);
      const addresses = Array.from({ length: stage.many(1000) }, () => '10.33.0.1');
      return again(signal, 200, () => {
        stage.put(service('same', clusterIp(1), { ports }));
        for (let i = 0; i < 20; i++) stage.put(slice(`same-${i}`, 'same', addresses, ports));
      });
    },
  },
  {
    name: 'slices-without-service',
    attack: '2,000 slices of 100 endpoints each, for Services that do not exist',
    during: (stage) => {
      const addresses = podAddresses(100);
      for (let i = 0; i < stage.many(2000); i++) stage.put(slice(`orphan-${i}`, `nobody-${i}`, addresses));
    },
  },
  {
    name: 'large-annotations',
    attack: 'annotations of 256 kB that change every 20 ms',
    during: (stage, signal) =>
      again(signal, 20, (round) => {
        const text = String(round % 10).repeat(256 * 1024);
        stage.put(named(service('words', clusterIp(1)), { annotations: { text } }));
      }),
  },
  {
    name: 'large-managed-fields',
    attack: 'managedFields of 1.4 MB that change every 100 ms',
    during: (stage, signal) =>
      again(signal, 100, (round) => {
        const managedFields = Array.from({ length: 10_000 }, (_, i) => ({
          manager: `m-${round}-${i}`,
          operation: 'Update',
          time: '2026-01-01T00:00:00Z',
          fieldsV1: { 'f:spec': { [`f:${i}`]: {} } },
        }));
        stage.put(named(service('managed', clusterIp(1)), { managedFields }));
      }),
  },
  {
    name: 'deep-nesting',
    attack: 'unknown fields nested 5,000 levels deep, 20 times a second, and once 200,000 levels',
    during: (stage, signal) => {
      const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
      const event = (levels: number, version: number) =>
        `{"type":"MODIFIED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"deep","resourceVersion":"${version}"},"spec":{"ports":[{"port":80}],"x":${deep(levels)}}}}\n`;
      return again(signal, 50, (round) =>
        stage.api.write('Service', event(round === 10 ? 200_000 : 5000, 1_000_000 + round)),
      );
    },
  },
  {
    name: 'prototype-names',
    attack: 'fields, labels and names such as __proto__, constructor and toString',
    during: (stage, signal) =>
      again(signal, 50, (round) => {
        const names = ['constructor', 'hasownproperty', 'tostring', 'valueof', 'proto'];
        const name = names[round % names.length] ?? '';
        const polluted: RawObject = JSON.parse(
          `{"kind":"Service","apiVersion":"v1","metadata":{"name":"${name}","labels":{"__proto__":"a","constructor":"b"}},"spec":{"__proto__":{"clusterIP":"10.100.0.80"},"clusterIP":"${clusterIp(1 + (round % 5))}","ports":[{"name":"http","port":80,"__proto__":{"port":1}}]}}`,
        );
        stage.put(polluted, slice(`${name}-0`, name, ONE));
      }),
  },
];
