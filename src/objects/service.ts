import { canonicalAddress, type Family, familyOf, formatCidr, parseCidr } from '../ip.ts';
import { packed } from './compact.ts';
import {
  type Bounds,
  FieldError,
  fieldsOf,
  hasKey,
  listOf,
  optionalFields,
  type Parts,
  PORTS,
  PORTS_OR_NONE,
  stringsOf,
  textOf,
  wholeNumberOf,
} from './fields.ts';
import { namespaceOf, objectNameOf, portNameOf } from './names.ts';
import { type Protocol, protocolOf } from './protocol.ts';
import { readServiceOptions, type ServiceOptions } from './service-options.ts';

/** Label that assigns a Service to another proxy. Like kube-proxy, we ignore the Service (with any value). */
export const SERVICE_PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';

/** A Service (core/v1), slimmed to the fields in use. */
export interface Service {
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
  /** metadata.creationTimestamp (RFC 3339), or empty; decides who wins when two Services claim one address. */
  readonly createdAt: string;
  /** True if the label service.kubernetes.io/service-proxy-name hands it to another proxy. */
  readonly otherProxy: boolean;
  readonly type: string;
  /** Canonical ClusterIPs, at most one for each family; empty for a headless Service. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly ServicePortSpec[];
  /** spec.externalIPs, canonical. */
  readonly externalIps: readonly string[];
  /** status.loadBalancer.ingress[].ip with ipMode VIP (or none): addresses whose packets reach nodes unchanged. */
  readonly loadBalancerIps: readonly string[];
  /** spec.loadBalancerSourceRanges, as "address/prefix"; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** spec.internalTrafficPolicy is Local: ClusterIP traffic goes only to endpoints on its own node. */
  readonly internalLocal: boolean;
  /**
   * spec.externalTrafficPolicy is Local: traffic from outside goes to endpoints on the node that it reaches, with its
   * source.
   */
  readonly externalLocal: boolean;
  /** Seconds for which sessionAffinity ClientIP keeps a client at its endpoint; absent without affinity. */
  readonly affinitySeconds?: number;
  /** spec.healthCheckNodePort, where load balancers probe whether this node has endpoints; absent if there is none. */
  readonly healthCheckNodePort?: number;
  /** What our annotations request; absent without any. */
  readonly options?: ServiceOptions;
}

/** One entry of spec.ports. */
export interface ServicePortSpec {
  /** Empty for the single unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** Absent if there is none. */
  readonly nodePort?: number;
}

/** With one of these, the node would refuse its own connections to itself. */
const NO_SERVICE_ADDRESS = /^(127\.|0\.|22[4-9]\.|23\d\.|::1?$|ff[0-9a-f]{2}:)/i;

/** The API's own default: three hours. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** sessionAffinityConfig.clientIP.timeoutSeconds, with the API's limits: at most a day. */
const AFFINITY_SECONDS: Bounds = [1, 86_400];

/** Reads a Service from an API server or a manifest, and keeps what we use. @throws FieldError */
export function* readService(raw: unknown): Parts<Service> {
  const object = fieldsOf(raw, '');
  const metadata = fieldsOf(object['metadata'], 'metadata');
  const name = objectNameOf(metadata['name'], 'metadata.name');
  const namespace = namespaceOf(metadata['namespace'], 'metadata.namespace');
  const createdAt = textOf(metadata['creationTimestamp'], 'metadata.creationTimestamp', '');
  const labels = yield* stringsOf(metadata['labels'], 'metadata.labels');
  const annotations = optionalFields(metadata['annotations'], 'metadata.annotations');
  const spec = fieldsOf(object['spec'], 'spec');
  const type = textOf(spec['type'], 'spec.type', 'ClusterIP');
  const clusterIp = readClusterIp(spec['clusterIP'], 'spec.clusterIP');
  const clusterIps = yield* listOf(spec['clusterIPs'], 'spec.clusterIPs', (item) => readClusterIp(item, ''));
  const ports = yield* listOf(spec['ports'], 'spec.ports', readPort);
  const externalIps = yield* listOf(spec['externalIPs'], 'spec.externalIPs', readExternalIp);
  const sourceRanges = yield* listOf(spec['loadBalancerSourceRanges'], 'spec.loadBalancerSourceRanges', readRange);
  const internalPolicy = textOf(spec['internalTrafficPolicy'], 'spec.internalTrafficPolicy', 'Cluster');
  const externalPolicy = textOf(spec['externalTrafficPolicy'], 'spec.externalTrafficPolicy', 'Cluster');
  const affinity = textOf(spec['sessionAffinity'], 'spec.sessionAffinity', 'None');
  const affinitySeconds = readAffinitySeconds(spec['sessionAffinityConfig'], 'spec.sessionAffinityConfig');
  const healthCheckNodePort = wholeNumberOf(spec['healthCheckNodePort'], 'spec.healthCheckNodePort', PORTS_OR_NONE, 0);
  const status = optionalFields(object['status'], 'status');
  const { ingress } = optionalFields(status['loadBalancer'], 'status.loadBalancer');
  const loadBalancerIps = yield* listOf(ingress, 'status.loadBalancer.ingress', readIngress);
  const service: Service = {
    kind: 'Service',
    namespace,
    name,
    createdAt,
    otherProxy: hasKey(labels, SERVICE_PROXY_NAME_LABEL),
    type,
    clusterIps: packed(clusterIpsOf(clusterIps, clusterIp)),
    ports: packed(ports),
    externalIps: packed(externalIps),
    loadBalancerIps: packed(loadBalancerIps),
    sourceRanges: packed(sourceRanges),
    internalLocal: internalPolicy === 'Local',
    externalLocal: externalPolicy === 'Local',
  };
  const options = readServiceOptions(annotations);
  const sticky = affinity === 'ClientIP';
  // Few have any of these.
  if (!sticky && healthCheckNodePort === 0 && options === undefined) return service;
  return {
    ...service,
    ...(sticky && { affinitySeconds }),
    ...(healthCheckNodePort !== 0 && { healthCheckNodePort }),
    ...(options && { options }),
  };
}

function readClusterIp(value: unknown, field: string): string {
  const text = textOf(value, field, '');
  if (text === '' || text === 'None') return text;
  if (familyOf(text) === undefined) throw new FieldError(field, 'must be an IP address, "None" or empty');
  if (NO_SERVICE_ADDRESS.test(text))
    throw new FieldError(field, 'must not be a loopback, unspecified or multicast address');
  return text;
}

function readPort(raw: unknown): ServicePortSpec {
  const entry = fieldsOf(raw, '');
  const name = portNameOf(entry['name'], 'name');
  const protocol = protocolOf(entry['protocol'], 'protocol');
  const port = wholeNumberOf(entry['port'], 'port', PORTS);
  const nodePort = wholeNumberOf(entry['nodePort'], 'nodePort', PORTS_OR_NONE, 0);
  return nodePort === 0 ? { name, protocol, port } : { name, protocol, port, nodePort };
}

function readExternalIp(value: unknown): string {
  if (typeof value !== 'string' || familyOf(value) === undefined)
    throw new FieldError('', 'must be an IPv4 or IPv6 address without leading zeros or zone');
  return canonicalAddress(value);
}

/** A CIDR; kube-proxy tolerates white space around it. */
function readRange(value: unknown): string {
  const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
  if (cidr === undefined) throw new FieldError('', 'must be a CIDR such as 10.0.0.0/8');
  return formatCidr(cidr);
}

function readAffinitySeconds(value: unknown, field: string): number {
  const { clientIP } = optionalFields(value, field);
  const { timeoutSeconds } = optionalFields(clientIP, `${field}.clientIP`);
  const bounds = AFFINITY_SECONDS;
  return wholeNumberOf(timeoutSeconds, `${field}.clientIP.timeoutSeconds`, bounds, DEFAULT_AFFINITY_SECONDS);
}

/** The address of an entry of status.loadBalancer.ingress, if we have to serve it; it may have a host name instead. */
function readIngress(raw: unknown): string | undefined {
  const entry = fieldsOf(raw, '');
  const ip = textOf(entry['ip'], 'ip', '');
  if (ip !== '' && familyOf(ip) === undefined) throw new FieldError('ip', 'must be an IPv4 or IPv6 address');
  const mode = textOf(entry['ipMode'], 'ipMode', 'VIP');
  return ip === '' || mode === 'Proxy' ? undefined : canonicalAddress(ip);
}

/** spec.clusterIPs, or spec.clusterIP from objects older than dual-stack. The first of each family counts. */
function clusterIpsOf(clusterIps: readonly string[], clusterIp: string): readonly string[] {
  const byFamily = new Map<Family, string>();
  for (const text of clusterIps.length > 0 ? clusterIps : [clusterIp]) {
    const family = familyOf(text);
    if (family !== undefined && !byFamily.has(family)) byFamily.set(family, canonicalAddress(text));
  }
  return [...byFamily.values()];
}
