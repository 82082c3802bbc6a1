/** Objects for the page to show, as manifests have them. */

interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol?: string;
  readonly nodePort?: number;
}

interface Shown {
  readonly namespace: string;
  readonly name: string;
  readonly spec: object;
  readonly ports: readonly Port[];
  /** Addresses of endpoints, and the node they are on. */
  readonly endpoints: readonly string[];
  readonly node?: string;
}

function objectsOf({ namespace, name, spec, ports, endpoints, node = 'other' }: Shown): readonly object[] {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { type: 'ClusterIP', ...spec, ports: ports.map((port) => ({ protocol: 'TCP', ...port })) },
  };
  const slice = (family: 'IPv4' | 'IPv6', addresses: readonly string[]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      name: `${name}-${family.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: family,
    ports: ports.map((port) => ({ name: port.name, port: 8080, protocol: port.protocol ?? 'TCP' })),
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName: node, conditions: { ready: true } })),
  });
  const six = endpoints.filter((address) => address.includes(':'));
  const four = endpoints.filter((address) => !address.includes(':'));
  return [service, slice('IPv4', four), ...(six.length > 0 ? [slice('IPv6', six)] : [])];
}

const http = { name: 'http', port: 80 };

/** Ten Services, of nearly every kind, some of which are not served. `NODE` is the name of this node. */
export function smallCluster(node: string): readonly object[] {
  const list: readonly Shown[] = [
    {
      namespace: 'default',
      name: 'web',
      spec: { clusterIP: '10.96.0.80', clusterIPs: ['10.96.0.80', 'fd00:96::80'], ipFamilies: ['IPv4', 'IPv6'] },
      ports: [http, { name: 'metrics', port: 9090 }],
      endpoints: ['10.32.0.21', '10.33.0.21', '10.34.0.21', 'fd00:32::21', 'fd00:33::21'],
    },
    {
      namespace: 'default',
      name: 'shop',
      spec: { type: 'NodePort', clusterIP: '10.96.0.81', externalTrafficPolicy: 'Local' },
      ports: [{ ...http, nodePort: 30_081 }],
      endpoints: ['10.33.0.7', '10.33.0.8'],
    },
    {
      namespace: 'default',
      name: 'front',
      spec: { type: 'LoadBalancer', clusterIP: '10.96.0.82', externalTrafficPolicy: 'Local' },
      ports: [
        { ...http, nodePort: 30_082 },
        { name: 'https', port: 443, nodePort: 30_443 },
      ],
      endpoints: ['10.32.0.31', '10.32.0.32'],
      node,
    },
    {
      namespace: 'kube-system',
      name: 'kube-dns',
      spec: { clusterIP: '10.96.0.10' },
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53 },
        { name: 'metrics', port: 9153 },
      ],
      endpoints: ['10.32.0.2', '10.33.0.2'],
    },
    {
      namespace: 'data',
      name: 'postgres',
      spec: { clusterIP: '10.96.0.12', sessionAffinity: 'ClientIP' },
      ports: [{ name: 'pg', port: 5432 }],
      endpoints: ['10.34.0.5'],
    },
    {
      namespace: 'data',
      name: 'queue',
      spec: { clusterIP: '10.96.0.13', internalTrafficPolicy: 'Local' },
      ports: [{ name: 'amqp', port: 5672 }],
      endpoints: ['10.33.0.9'],
    },
    { namespace: 'default', name: 'new', spec: { clusterIP: '10.96.0.83' }, ports: [http], endpoints: [] },
    {
      namespace: 'default',
      name: 'partner',
      spec: { clusterIP: '10.96.0.84', externalIPs: ['192.0.2.99'] },
      ports: [{ name: 'https', port: 443 }],
      endpoints: ['10.33.0.40', '10.34.0.40', '10.35.0.40', '10.36.0.40'],
    },
    {
      namespace: 'monitoring',
      name: 'grafana',
      spec: { clusterIP: '10.96.0.85' },
      ports: [{ name: 'web', port: 3000 }],
      endpoints: ['10.35.0.3'],
    },
    {
      namespace: 'games',
      name: 'lobby',
      spec: { type: 'NodePort', clusterIP: '10.96.0.86' },
      ports: [{ name: 'game', port: 7777, protocol: 'UDP', nodePort: 30_777 }],
      endpoints: ['10.36.0.6', '10.36.0.7'],
    },
  ];
  return list.flatMap(objectsOf);
}

/** So many Services, each with two endpoints; every fiftieth has none. */
export function largeCluster(count: number): readonly object[] {
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const [a, b, c] = [i >> 16, (i >> 8) & 255, i & 255];
    return objectsOf({
      namespace: `team-${i % 40}`,
      name: `service-${i}`,
      spec: { clusterIP: `10.${100 + a}.${b}.${c}` },
      ports: [http],
      endpoints: i % 50 === 0 ? [] : [`10.${120 + a}.${b}.${c}`, `10.${140 + a}.${b}.${c}`],
    });
  });
}
