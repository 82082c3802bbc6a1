import type { Kind } from '../../../src/objects/decode.ts';
import {
  CLIENTS,
  type Client,
  ENDPOINTS,
  type EndpointName,
  OTHER_NODE,
  TARGETS,
  type Target,
  THIS_NODE,
  type Version,
} from './cast.ts';

/** Objects as an API server has them, dual-stack, from the names of the cast. */
export interface RawObject {
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** What a scenario lists: objects, or several of them made together. */
export type Objects = readonly (RawObject | readonly RawObject[])[];

export interface Port {
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  readonly nodePort?: number;
}

/** Port 80 over every protocol, named after it; with `nodePort`, all have that. */
const webPorts = (nodePort?: number): readonly Port[] =>
  (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => ({
    name: protocol.toLowerCase(),
    protocol,
    port: 80,
    ...(nodePort !== undefined && { nodePort }),
  }));

export interface ServiceOptions {
  /** Default: cluster-ip. Null: "None", headless. */
  readonly clusterIp?: Target | null;
  readonly externalIps?: readonly Target[];
  readonly loadBalancerIps?: readonly Target[];
  readonly ipMode?: 'VIP' | 'Proxy';
  /** Of all default ports. */
  readonly nodePort?: number;
  /** Default: 80 over TCP, UDP and SCTP, named "tcp", "udp" and "sctp". */
  readonly ports?: readonly Port[];
  readonly labels?: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly createdAt?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Further fields of spec, as Kubernetes names them. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

const addressesOf = (names: readonly Target[] = []) => names.flatMap((name) => [TARGETS[name].ip4, TARGETS[name].ip6]);

/** A Service that is only a DNS name. */
export function externalName(name: string): RawObject {
  return { kind: 'Service', metadata: { name }, spec: { type: 'ExternalName', externalName: 'www.example.org' } };
}

/** A Service, of type LoadBalancer, NodePort or ClusterIP by what it has. */
export function service(name: string, options: ServiceOptions = {}): RawObject {
  const { clusterIp = 'cluster-ip', nodePort, ports = webPorts(nodePort), labels = {}, annotations, ipMode } = options;
  const clusterIPs = clusterIp === null ? ['None'] : addressesOf([clusterIp]);
  const hasNodePorts = ports.some((port) => port.nodePort !== undefined);
  return {
    kind: 'Service',
    metadata: {
      name,
      labels,
      ...(annotations && { annotations }),
      creationTimestamp: options.createdAt ?? '2026-01-01T00:00:00Z',
    },
    spec: {
      type: options.loadBalancerIps === undefined ? (hasNodePorts ? 'NodePort' : 'ClusterIP') : 'LoadBalancer',
      clusterIP: clusterIPs[0],
      clusterIPs,
      ports,
      externalIPs: addressesOf(options.externalIps),
      ...options.spec,
    },
    status: {
      loadBalancer: {
        ingress: addressesOf(options.loadBalancerIps).map((ip) => ({ ip, ...(ipMode !== undefined && { ipMode }) })),
      },
    },
  };
}

interface Endpoint {
  readonly name: EndpointName;
  /** The further fields of an EndpointSlice's endpoint. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Hints and the node's name, as an EndpointSlice has them. The name follows from where the endpoint is, if not given. */
export interface EndpointOptions {
  readonly zones?: readonly string[];
  /** The endpoint's own. */
  readonly zone?: string;
  readonly nodes?: readonly string[];
  readonly nodeName?: string;
}

function endpoint(
  name: EndpointName,
  conditions: object,
  { zones, nodes, nodeName, zone }: EndpointOptions = {},
): Endpoint {
  const named = (names: readonly string[]) => names.map((hint) => ({ name: hint }));
  const hints = { ...(zones && { forZones: named(zones) }), ...(nodes && { forNodes: named(nodes) }) };
  const where = ENDPOINTS[name].place === 'remote' ? OTHER_NODE : THIS_NODE;
  const fields = { conditions, nodeName: nodeName ?? where, ...(zone && { zone }), ...((zones || nodes) && { hints }) };
  return { name, fields };
}

export const ready = (name: EndpointName, options?: EndpointOptions) => endpoint(name, { ready: true }, options);

/** Not ready, for instance before its first good probe. */
export const unready = (name: EndpointName) => endpoint(name, { ready: false, serving: false, terminating: false });

/** Ends, and still serves. */
export const terminating = (name: EndpointName, options?: EndpointOptions) =>
  endpoint(name, { ready: false, serving: true, terminating: true }, options);

/** Ends, and no longer serves. */
export const ended = (name: EndpointName) => endpoint(name, { ready: false, serving: false, terminating: true });

/** Ends and serves no more, but is marked ready for a Service with publishNotReadyAddresses. */
export const published = (name: EndpointName) => endpoint(name, { ready: true, serving: false, terminating: true });

interface SlicePort {
  readonly name?: string | null;
  readonly protocol?: Port['protocol'];
  readonly port?: number | null;
}

export interface SliceOptions {
  /** Default: 8080 over TCP, UDP and SCTP, named "tcp", "udp" and "sctp". */
  readonly ports?: readonly SlicePort[];
  /** Tells several slices of a Service apart. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Service's EndpointSlices, one in each family. */
export function slices(
  serviceName: string,
  endpoints: readonly Endpoint[],
  options: SliceOptions = {},
): readonly RawObject[] {
  const { ports = webPorts().map((port) => ({ ...port, port: 8080 })), name = serviceName } = options;
  const { labels = {}, annotations = {} } = options;
  return (['ip4', 'ip6'] as const).map((version) => ({
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${version}`,
      labels: { 'kubernetes.io/service-name': serviceName, ...labels },
      annotations,
    },
    addressType: version === 'ip4' ? 'IPv4' : 'IPv6',
    ports,
    endpoints: endpoints.map((one) => ({ addresses: [ENDPOINTS[one.name][version]], ...one.fields })),
  }));
}

export interface NodeOptions {
  /** Default: node. */
  readonly addresses?: readonly Target[];
  readonly zone?: string;
  readonly podCidrs?: readonly string[];
}

/** This node. */
export function node({ addresses = ['node'], zone, podCidrs = [] }: NodeOptions = {}): RawObject {
  return {
    kind: 'Node',
    metadata: { name: THIS_NODE, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
    spec: { podCIDRs: podCidrs },
    status: { addresses: addressesOf(addresses).map((address) => ({ type: 'InternalIP', address })) },
  };
}

/** The other node, with a condition Ready; undefined: none yet. */
export function otherNode(isReady: 'True' | 'False' | 'Unknown' | undefined, name: string = OTHER_NODE): RawObject {
  const conditions = isReady === undefined ? [] : [{ type: 'Ready', status: isReady }];
  return { kind: 'Node', metadata: { name }, spec: {}, status: { conditions } };
}

export function serviceCidr(name: string, cidrs: readonly string[]): RawObject {
  return { kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } };
}

/** Source ranges that hold just these, in both families; `bits` wider than a single address: the network around each. */
export function ranges(
  names: readonly (Client | Target)[],
  bits: Readonly<Record<Version, number>> = { ip4: 32, ip6: 128 },
) {
  return names.flatMap((name) =>
    (['ip4', 'ip6'] as const).map((version) => `${{ ...TARGETS, ...CLIENTS }[name][version]}/${bits[version]}`),
  );
}
