import type { EndpointSlice, SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { Service } from '../../src/objects/service.ts';
import { Cluster } from '../../src/service/cluster.ts';

/** How large a made-up cluster is. */
export interface ClusterSize {
  readonly services: number;
  /** Of each Service. */
  readonly endpoints: number;
}

/** "10000x5" */
export function sizeText({ services, endpoints }: ClusterSize): string {
  return `${services}x${endpoints}`;
}

export const FRONTEND_PORT = 80;
export const ENDPOINT_PORT = 8080;
/** The network of all ClusterIPs; the first /16 is for the API server's own Service. */
export const SERVICE_CIDR = '10.96.0.0/12';
/** The network of all endpoints. */
export const POD_CIDR = '10.128.0.0/9';

const NODES = 100;
/** This node. */
export const NODE_NAME = 'node-0';

const HTTP = { name: 'http', protocol: 'tcp', port: FRONTEND_PORT } as const;

/** The nth IPv4 address from a first octet pair on: (10, 97, 258) is 10.97.1.2. */
function nthAddress(first: number, second: number, n: number): string {
  return `${first}.${second + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
}

/** "namespace/name" of the nth Service. */
export function serviceKey(n: number): string {
  return `namespace-${n % 100}/service-${n}`;
}

/** The ClusterIP of the nth Service. */
export function clusterIp(n: number): string {
  return nthAddress(10, 97, n);
}

/** The nth address of a pod. The first services × endpoints are in use at the start, Service after Service. */
export function podAddress(n: number): string {
  return nthAddress(10, 128, n);
}

/** The endpoints' addresses the nth Service has at the start. */
export function podAddresses(n: number, { endpoints }: ClusterSize): readonly string[] {
  return Array.from({ length: endpoints }, (_, i) => podAddress(n * endpoints + i));
}

/** The node all endpoints of the nth Service run on. */
export function nodeOf(n: number): string {
  return `node-${n % NODES}`;
}

/** True if the nth Service's endpoints run on this node: one Service in a hundred. */
export function isLocal(n: number): boolean {
  return nodeOf(n) === NODE_NAME;
}

/** The one slice of the nth Service, with ready endpoints at these addresses, for its TCP port or what `ports` says. */
export function sliceOf(
  n: number,
  addresses: readonly string[],
  ports: EndpointSlice['ports'] = [{ ...HTTP, port: ENDPOINT_PORT }],
): EndpointSlice {
  const [namespace = '', serviceName = ''] = serviceKey(n).split('/');
  return {
    kind: 'EndpointSlice',
    namespace,
    name: `${serviceName}-slice`,
    serviceName,
    ports,
    endpoints: addresses.map(
      (address): SliceEndpoint => ({ address, ready: true, serving: true, terminating: false, nodeName: nodeOf(n) }),
    ),
  };
}

/** The nth Service: a ClusterIP and one TCP port, or what `ports` says. */
export function serviceOf(n: number, ports: Service['ports'] = [HTTP]): Service {
  const [namespace = '', name = ''] = serviceKey(n).split('/');
  return {
    kind: 'Service',
    namespace,
    name,
    createdAt: '2026-01-01T00:00:00Z',
    otherProxy: false,
    type: 'ClusterIP',
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    internalLocal: false,
    externalLocal: false,
    clusterIps: [clusterIp(n)],
    ports,
  };
}

/** A cluster as a source has filled it: every object parsed, nothing worked out from it. */
export function syntheticCluster(size: ClusterSize): Cluster {
  const cluster = new Cluster(NODE_NAME);
  for (let n = 0; n < size.services; n++) {
    cluster.set(serviceOf(n));
    cluster.set(sliceOf(n, podAddresses(n, size)));
  }
  return cluster;
}
