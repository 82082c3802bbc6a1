import type { AddressPair } from '../netns/topology.ts';

/** Raw Kubernetes objects, as `kubectl get -o json` prints them. */
export type RawObject = Record<string, unknown>;

export interface ServiceSpec {
  readonly name: string;
  readonly clusterIps: AddressPair;
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly port: number;
    readonly to: number;
  }[];
  /** Endpoint addresses of both families. */
  readonly endpoints: readonly AddressPair[];
}

/** A dual-stack Service with one EndpointSlice a family. */
export function serviceObjects({ name, clusterIps, ports, endpoints }: ServiceSpec): readonly RawObject[] {
  const slice = (family: 'ip4' | 'ip6', addressType: string): RawObject => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family}`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType,
    ports: ports.map((port) => ({ name: port.name, protocol: port.protocol, port: port.to })),
    endpoints: endpoints.map((pair) => ({ addresses: [pair[family]], conditions: { ready: true } })),
  });
  const { ip4, ip6 } = clusterIps;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: {
        type: 'ClusterIP',
        clusterIP: ip4,
        clusterIPs: [ip4, ip6],
        ports: ports.map((port) => ({
          name: port.name,
          protocol: port.protocol,
          port: port.port,
          targetPort: port.to,
        })),
      },
    },
    slice('ip4', 'IPv4'),
    slice('ip6', 'IPv6'),
  ];
}
