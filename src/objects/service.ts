import * as v from 'valibot';
import { canonicalAddress, familyOf, formatCidr, parseCidr } from '../ip.ts';
import { packed } from './compact.ts';
import {
  IpAddress,
  list,
  Namespace,
  ObjectName,
  PortName,
  PortNumber,
  type Protocol,
  ProtocolName,
  StringMap,
} from './schema.ts';

/** Label that hands a Service to another proxy: kube-proxy, and so we, ignore the Service (any value). */
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
  /** Canonical ClusterIPs, at most one a family; empty for a headless Service. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly ServicePortSpec[];
  /** spec.externalIPs, canonical. */
  readonly externalIps: readonly string[];
  /** status.loadBalancer.ingress[].ip with ipMode VIP (or none): addresses whose packets come to nodes unchanged. */
  readonly loadBalancerIps: readonly string[];
  /** spec.loadBalancerSourceRanges, as "address/prefix"; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** spec.internalTrafficPolicy is Local: ClusterIP traffic goes to endpoints of its own node only. */
  readonly internalLocal: boolean;
  /** spec.externalTrafficPolicy is Local: traffic from outside goes to endpoints of the node it comes to, with its source. */
  readonly externalLocal: boolean;
  /** Seconds for which sessionAffinity ClientIP keeps a client at its endpoint; absent without affinity. */
  readonly affinitySeconds?: number;
  /** spec.healthCheckNodePort, which load balancers ask whether this node has endpoints; absent if there is none. */
  readonly healthCheckNodePort?: number;
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

const ClusterIp = v.pipe(
  v.nullish(v.string(), ''),
  v.check(
    (text) => text === '' || text === 'None' || familyOf(text) !== undefined,
    'must be an IP address, "None" or empty',
  ),
  // With one of these, the node's own connections to itself would be refused.
  v.check((text) => !NO_SERVICE_ADDRESS.test(text), 'must not be a loopback, unspecified or multicast address'),
);

const NO_SERVICE_ADDRESS = /^(127\.|0\.|22[4-9]\.|23\d\.|::1?$|ff[0-9a-f]{2}:)/i;

/** 0 and null mean none. */
const OptionalPort = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)), 0);

const Port = v.object({
  name: PortName,
  protocol: ProtocolName,
  port: PortNumber,
  nodePort: OptionalPort,
});

/** The API's own default: three hours. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** sessionAffinityConfig.clientIP.timeoutSeconds, as the API bounds it: at most a day. */
const AffinitySeconds = v.nullish(
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400)),
  DEFAULT_AFFINITY_SECONDS,
);

/** An entry of status.loadBalancer.ingress; it may have a host name instead of an address. */
const Ingress = v.object({
  ip: v.pipe(
    v.nullish(v.string(), ''),
    v.check((text) => text === '' || familyOf(text) !== undefined, 'must be an IPv4 or IPv6 address'),
  ),
  ipMode: v.nullish(v.string(), 'VIP'),
});

/** A CIDR; kube-proxy tolerates white space around it. */
const SourceRange = v.pipe(
  v.string(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const cidr = parseCidr(value);
    if (cidr !== undefined) return formatCidr(cidr);
    addIssue({ message: 'must be a CIDR such as 10.0.0.0/8' });
    return NEVER;
  }),
);

/** Reads what an API server or a manifest says of a Service, and keeps what we use. */
export const ServiceSchema = v.pipe(
  v.object({
    metadata: v.object({
      name: ObjectName,
      namespace: Namespace,
      creationTimestamp: v.nullish(v.string(), ''),
      labels: StringMap,
    }),
    spec: v.object({
      type: v.nullish(v.string(), 'ClusterIP'),
      clusterIP: ClusterIp,
      clusterIPs: list(ClusterIp),
      ports: list(Port),
      externalIPs: list(IpAddress),
      loadBalancerSourceRanges: list(SourceRange),
      internalTrafficPolicy: v.nullish(v.string(), 'Cluster'),
      externalTrafficPolicy: v.nullish(v.string(), 'Cluster'),
      sessionAffinity: v.nullish(v.string(), 'None'),
      sessionAffinityConfig: v.nullish(
        v.object({ clientIP: v.nullish(v.object({ timeoutSeconds: AffinitySeconds })) }),
      ),
      healthCheckNodePort: OptionalPort,
    }),
    status: v.nullish(v.object({ loadBalancer: v.nullish(v.object({ ingress: list(Ingress) }), { ingress: [] }) }), {
      loadBalancer: { ingress: [] },
    }),
  }),
  v.transform(
    ({ metadata, spec, status }): Service => ({
      kind: 'Service',
      namespace: metadata.namespace,
      name: metadata.name,
      createdAt: metadata.creationTimestamp,
      otherProxy: SERVICE_PROXY_NAME_LABEL in metadata.labels,
      type: spec.type,
      clusterIps: packed(clusterIpsOf(spec.clusterIPs, spec.clusterIP)),
      ports: packed(spec.ports.map(({ nodePort, ...port }) => (nodePort === 0 ? port : { ...port, nodePort }))),
      externalIps: packed(spec.externalIPs),
      loadBalancerIps: packed(
        status.loadBalancer.ingress
          .filter(({ ip, ipMode }) => ip !== '' && ipMode !== 'Proxy')
          .map(({ ip }) => canonicalAddress(ip)),
      ),
      sourceRanges: packed(spec.loadBalancerSourceRanges),
      internalLocal: spec.internalTrafficPolicy === 'Local',
      externalLocal: spec.externalTrafficPolicy === 'Local',
      ...(spec.sessionAffinity === 'ClientIP' && {
        affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS,
      }),
      ...(spec.healthCheckNodePort !== 0 && { healthCheckNodePort: spec.healthCheckNodePort }),
    }),
  ),
);

/** spec.clusterIPs, or spec.clusterIP from objects older than dual-stack; the first of each family counts. */
function clusterIpsOf(clusterIps: readonly string[], clusterIp: string): readonly string[] {
  const given = clusterIps.length > 0 ? clusterIps : [clusterIp];
  const addresses = given.filter((text) => familyOf(text) !== undefined).map(canonicalAddress);
  return addresses.filter((address, i) => addresses.findIndex((other) => familyOf(other) === familyOf(address)) === i);
}
