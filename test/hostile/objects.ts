import type { RawObject } from '../doubles/api-server-store.ts';

/** Raw objects as a tenant would make them, or as nobody should. */

export interface Port {
  readonly name?: string | undefined;
  readonly protocol?: string;
  readonly port: number;
  readonly [field: string]: unknown;
}

const HTTP: readonly Port[] = [{ name: 'http', protocol: 'TCP', port: 80 }];

/** Service default/NAME; `spec` and `more` replace fields of its spec and of itself. */
export function service(name: string, clusterIP: string, spec: object = {}, more: object = {}): RawObject {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: HTTP, ...spec },
    ...more,
  };
}

/** EndpointSlice default/NAME of an IPv4 Service; `more` replaces fields of its own. */
export function slice(
  name: string,
  serviceName: string,
  addresses: readonly string[],
  ports: readonly Port[] = HTTP,
  more: object = {},
): RawObject {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: ports.map((port) => ({ ...port, port: 8080 })),
    ...more,
  };
}

/** What the API server lets into one slice. */
const SLICE_ENDPOINTS = 1000;

/** The slices of a Service with these endpoints, NAME-0 and so on. */
export function slices(
  serviceName: string,
  addresses: readonly string[],
  ports: readonly Port[] = HTTP,
): readonly RawObject[] {
  const parts = Array.from({ length: Math.ceil(addresses.length / SLICE_ENDPOINTS) }, (_, i) =>
    addresses.slice(i * SLICE_ENDPOINTS, (i + 1) * SLICE_ENDPOINTS),
  );
  return parts.map((part, i) => slice(`${serviceName}-${i}`, serviceName, part, ports));
}

/** A Service with so many ports and endpoints, and its slices. */
export function large(
  name: string,
  clusterIP: string,
  size: { readonly ports: number; readonly endpoints: number },
  spec: object = {},
): readonly RawObject[] {
  const ports = portList(size.ports);
  return [service(name, clusterIP, { ports, ...spec }), ...slices(name, podAddresses(size.endpoints), ports)];
}

/** Ports p0, p1, … from 1000 on. */
export function portList(count: number, protocol = 'TCP'): readonly Port[] {
  return Array.from({ length: count }, (_, i) => ({ name: `p${i}`, protocol, port: 1000 + i }));
}

/** Addresses of pods of other nodes: 10.33.0.0 and on. */
export function podAddresses(count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_, i) => `10.33.${((from + i) >> 8) & 255}.${(from + i) & 255}`);
}

/** The nth address of the service network that cases use: 10.96.0.0 to 10.99.255.255. */
export function clusterIp(n: number): string {
  return `10.${96 + ((n >> 16) & 3)}.${(n >> 8) & 255}.${n & 255}`;
}

export function node(name: string, addresses: readonly string[]): RawObject {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name },
    spec: {},
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
}

export function serviceCidr(name: string, cidrs: readonly string[]): RawObject {
  return { kind: 'ServiceCIDR', apiVersion: 'networking.k8s.io/v1', metadata: { name }, spec: { cidrs } };
}
