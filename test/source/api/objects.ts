import type { RawObject } from '../../doubles/api-server-store.ts';

/** Raw objects as a Kubernetes API server would take them. */

export function service(name: string, port = 80, labels: Record<string, string> = {}, clusterIP?: string): RawObject {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', labels },
    spec: {
      ports: [{ name: 'main', protocol: 'TCP', port }],
      ...(clusterIP === undefined ? {} : { clusterIP, clusterIPs: [clusterIP] }),
    },
  };
}

export function slice(name: string, addresses: readonly string[], labels: Record<string, string> = {}): RawObject {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name, ...labels } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'main', protocol: 'TCP', port: 8080 }],
  };
}

export function node(name: string, address: string): RawObject {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name },
    status: { addresses: [{ type: 'InternalIP', address }] },
  };
}

export function serviceCidr(name: string, cidrs: readonly string[]): RawObject {
  return { kind: 'ServiceCIDR', apiVersion: 'networking.k8s.io/v1', metadata: { name }, spec: { cidrs } };
}
