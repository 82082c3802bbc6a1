/** Objects as an API server or a manifest has them. */

/** Service default/NAME with one unnamed TCP port; `spec` replaces fields of its spec. */
export function rawService(name: string, clusterIP: string, spec: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service' as const,
    metadata: { name, namespace: 'default' },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }], ...spec },
  };
}

/** An IPv4 slice default/SERVICE-1 with one unnamed TCP port 8080; `changes` replaces its own fields. */
export function rawSlice(serviceName: string, addresses: readonly string[], changes: object = {}) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice' as const,
    metadata: {
      name: `${serviceName}-1`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': serviceName },
    },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports: [{ port: 8080 }],
    ...changes,
  };
}

export function rawNode(name: string, ...addresses: readonly string[]) {
  return {
    apiVersion: 'v1',
    kind: 'Node' as const,
    metadata: { name },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
}
