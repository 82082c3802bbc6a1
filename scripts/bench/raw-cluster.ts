import type { RawObject } from '../../test/doubles/api-server-store.ts';
import {
  type ClusterSize,
  clusterIp,
  ENDPOINT_PORT,
  FRONTEND_PORT,
  NODE_NAME,
  nodeOf,
  podAddresses,
  serviceKey,
} from './synthetic-cluster.ts';

/** The objects of a synthetic cluster as an API server shows them, with the fields that we and others do not use. */
export function* rawCluster(size: ClusterSize): Generator<RawObject> {
  yield rawNode();
  for (let n = 0; n < size.services; n++) {
    yield rawService(n);
    yield rawSlice(n, podAddresses(n, size));
  }
}

export function rawService(n: number): RawObject {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: metadata(n, ''),
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp(n),
      clusterIPs: [clusterIp(n)],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      selector: { app: `service-${n}` },
      ports: [{ name: 'http', protocol: 'TCP', port: FRONTEND_PORT, targetPort: ENDPOINT_PORT }],
    },
    status: { loadBalancer: {} },
  };
}

/** The one slice of the nth Service, with ready endpoints at these addresses. */
export function rawSlice(n: number, addresses: readonly string[]): RawObject {
  const [namespace = '', serviceName = ''] = serviceKey(n).split('/');
  const { labels, ...rest } = metadata(n, '-slice');
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { ...rest, labels: { ...labels, 'kubernetes.io/service-name': serviceName } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: ENDPOINT_PORT }],
    endpoints: addresses.map((address, i) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: nodeOf(n),
      targetRef: { kind: 'Pod', namespace, name: `${serviceName}-${i}`, uid: uid(n) },
    })),
  };
}

/** This node, which kube-proxy waits for. */
export function rawNode(): RawObject {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name: NODE_NAME },
    spec: {},
    status: { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] },
  };
}

/** The address of this node. */
export const NODE_ADDRESS = '192.0.2.1';

function metadata(n: number, suffix: string): RawObject['metadata'] {
  const [namespace = '', name = ''] = serviceKey(n).split('/');
  return {
    name: `${name}${suffix}`,
    namespace,
    uid: uid(n),
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: name },
    managedFields: [
      { manager: 'kube-controller-manager', operation: 'Update', apiVersion: 'v1', time: '2026-01-01T00:00:00Z' },
    ],
  };
}

function uid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}
