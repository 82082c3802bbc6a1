import * as v from 'valibot';
import { canonicalAddress, type Family, familyOf, formatCidr, isInCidr, parseCidr } from '../../src/ip.ts';
import type { Kind, KubeObject } from '../../src/objects/decode.ts';
import {
  type EndpointSlice,
  HEADLESS_LABEL,
  SERVICE_NAME_LABEL,
  type SliceEndpoint,
  TRIGGER_TIME_ANNOTATION,
} from '../../src/objects/endpoint-slice.ts';
import { type Node, TO_BE_DELETED_TAINT, ZONE_LABEL } from '../../src/objects/node.ts';
import { SERVICE_PROXY_NAME_LABEL, type Service } from '../../src/objects/service.ts';
import type { ServiceCidr } from '../../src/objects/service-cidr.ts';

/** What the readers of src/objects/ make of an object, said a second time: as schemas of a library that checks. */

/** metadata.name and metadata.namespace: RFC 1123 subdomains. Strict because names end up in nft comments. */
const ObjectName = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be a DNS subdomain name (RFC 1123)'),
);

/** metadata.namespace. */
const Namespace = v.pipe(v.nullish(ObjectName, 'default'), v.string());

/** A port's name: an RFC 1123 label, or empty for the single unnamed port. API servers send null for none. */
const PortName = v.pipe(
  v.nullish(v.string(), ''),
  v.regex(/^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/, 'must be a DNS label (RFC 1123) or empty'),
);

/** Transport protocols a Service can have; absent means TCP (Service v1, spec.ports[].protocol). */
const ProtocolName = v.pipe(
  v.nullish(v.picklist(['TCP', 'UDP', 'SCTP']), 'TCP'),
  v.transform((name) => PROTOCOLS[name]),
);

const PROTOCOLS = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const;

/** 1 to 65535. */
const PortNumber = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1, 'must be between 1 and 65535'),
  v.maxValue(65535, 'must be between 1 and 65535'),
);

/** An IPv4 or IPv6 address, made canonical. */
const IpAddress = v.pipe(
  v.string(),
  v.check((text) => familyOf(text) !== undefined, 'must be an IPv4 or IPv6 address without leading zeros or zone'),
  v.transform(canonicalAddress),
);

/** A list that API servers may send as null. */
function list<const Schema extends v.GenericSchema>(item: Schema) {
  return v.nullish(v.array(item), []);
}

/** Labels or annotations, which API servers may leave out. */
const StringMap = v.nullish(v.record(v.string(), v.string()), {});

const Condition = v.nullish(v.boolean());

const Name = v.string();

const Hints = list(v.object({ name: Name }));

const HintLists = v.object({ forZones: Hints, forNodes: Hints });

const Endpoint = v.object({
  // Checked one by one: a bad one is no reason to do without the others.
  addresses: list(v.unknown()),
  conditions: v.nullish(v.object({ ready: Condition, serving: Condition, terminating: Condition }), {}),
  nodeName: v.nullish(Name, ''),
  zone: v.optional(v.unknown()),
  hints: v.nullish(HintLists),
});

/**
 * Canonical addresses that an API server refuses for endpoints, and more multicast ones (CVE-2021-25737): through them a
 * Service would lead to what listens on the node's loopback, or to a metadata service. Manifests and older objects may
 * have them. IPv4-mapped ones are IPv4 to Kubernetes.
 */
const NO_ENDPOINT_ADDRESS =
  /^(127\.|169\.254\.|0\.0\.0\.0$|22[4-9]\.|23\d\.|::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$)/;

const SlicePort = v.object({
  name: PortName,
  protocol: ProtocolName,
  port: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)), 0),
});

const Slice = v.object({
  metadata: v.object({
    name: ObjectName,
    namespace: Namespace,
    annotations: StringMap,
    labels: v.pipe(
      StringMap,
      v.check((labels) => SERVICE_NAME_LABEL in labels, `must have the label ${SERVICE_NAME_LABEL}`),
    ),
  }),
  addressType: v.picklist(['IPv4', 'IPv6', 'FQDN']),
  endpoints: list(Endpoint),
  ports: list(SlicePort),
});

/** Reads what an API server or a manifest says of an EndpointSlice, and keeps what we use. */
const EndpointSliceSchema = v.pipe(
  Slice,
  v.transform(({ metadata, addressType, endpoints, ports }): EndpointSlice => {
    const ignored = addressType === 'FQDN' || HEADLESS_LABEL in metadata.labels;
    const kept: SliceEndpoint[] = [];
    let leftOut = '';
    for (const [index, endpoint] of ignored ? [] : endpoints.entries()) {
      const address = v.safeParse(IpAddress, endpoint.addresses[0]);
      const problem = problemOf(address.success ? address.output : undefined, addressType);
      if (!address.success || problem !== undefined) {
        leftOut ||= `endpoints[${index}].addresses[0] ${problem}`;
        continue;
      }
      const { ready, serving, terminating } = endpoint.conditions;
      const plain: SliceEndpoint = {
        address: address.output,
        ready: ready ?? true,
        serving: serving ?? true,
        terminating: terminating ?? false,
        nodeName: endpoint.nodeName,
        ...(typeof endpoint.zone === 'string' && endpoint.zone !== '' && { zone: endpoint.zone }),
      };
      kept.push(endpoint.hints ? { ...plain, ...hintsOf(endpoint.hints) } : plain);
    }
    const triggeredAt = Date.parse(metadata.annotations[TRIGGER_TIME_ANNOTATION] ?? '');
    return {
      kind: 'EndpointSlice',
      namespace: metadata.namespace,
      name: metadata.name,
      serviceName: metadata.labels[SERVICE_NAME_LABEL] ?? '',
      ports: ports.filter(({ port }) => port !== 0),
      endpoints: kept,
      ...(Number.isFinite(triggeredAt) && { triggeredAt }),
      ...(leftOut !== '' && {
        leftOut: `${leftOut}; ${endpoints.length - kept.length} of ${endpoints.length} endpoints left out`,
      }),
    };
  }),
);

/** Why an endpoint cannot have this canonical address; undefined if it can. */
function problemOf(address: string | undefined, addressType: string): string | undefined {
  const family = addressType === 'IPv4' ? 'ip' : 'ip6';
  if (address === undefined || familyOf(address) !== family) return `must be an ${addressType} address`;
  if (!NO_ENDPOINT_ADDRESS.test(address)) return undefined;
  return 'must not be a loopback, link-local, unspecified, multicast or IPv4-mapped address';
}

function hintsOf({
  forZones,
  forNodes,
}: v.InferOutput<typeof HintLists>): Pick<SliceEndpoint, 'zoneHints' | 'nodeHints'> {
  return {
    ...(forZones.length > 0 && { zoneHints: forZones.map(({ name }) => name) }),
    ...(forNodes.length > 0 && { nodeHints: forNodes.map(({ name }) => name) }),
  };
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

const ServicePort = v.object({
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
const ServiceSchema = v.pipe(
  v.object({
    metadata: v.object({
      name: ObjectName,
      namespace: Namespace,
      creationTimestamp: v.nullish(v.string(), ''),
      labels: StringMap,
      annotations: v.nullish(v.record(v.string(), v.unknown())),
    }),
    spec: v.object({
      type: v.nullish(v.string(), 'ClusterIP'),
      clusterIP: ClusterIp,
      clusterIPs: list(ClusterIp),
      ports: list(ServicePort),
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
      clusterIps: clusterIpsOf(spec.clusterIPs, spec.clusterIP),
      ports: spec.ports.map(({ nodePort, ...port }) => (nodePort === 0 ? port : { ...port, nodePort })),
      externalIps: spec.externalIPs,
      loadBalancerIps: status.loadBalancer.ingress
        .filter(({ ip, ipMode }) => ip !== '' && ipMode !== 'Proxy')
        .map(({ ip }) => canonicalAddress(ip)),
      sourceRanges: spec.loadBalancerSourceRanges,
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
/** Reads what an API server or a manifest says of a Node, and keeps what we use. */
const NodeSchema = v.pipe(
  v.object({
    metadata: v.object({ name: ObjectName, labels: StringMap, deletionTimestamp: v.nullish(v.string()) }),
    spec: v.nullish(v.object({ podCIDRs: list(v.string()), taints: list(v.object({ key: v.string() })) }), {
      podCIDRs: [],
      taints: [],
    }),
    status: v.nullish(v.object({ addresses: list(v.object({ type: v.string(), address: v.string() })) }), {
      addresses: [],
    }),
  }),
  v.transform(({ metadata, spec, status }): Node => {
    const ofType = (type: string) =>
      status.addresses.filter((entry) => entry.type === type && familyOf(entry.address) !== undefined);
    return {
      kind: 'Node',
      name: metadata.name,
      addresses: [...ofType('InternalIP'), ...ofType('ExternalIP')].map(({ address }) => canonicalAddress(address)),
      zone: metadata.labels[ZONE_LABEL] ?? '',
      podCidrs: spec.podCIDRs.map((text) => formatCidr(parseCidr(text))).filter((text) => text !== ''),
      eligible:
        (metadata.deletionTimestamp ?? '') === '' && !spec.taints.some(({ key }) => key === TO_BE_DELETED_TAINT),
    };
  }),
);
const LOOPBACK: Readonly<Record<Family, string>> = { ip: '127.0.0.1', ip6: '::1' };

const Cidr = v.pipe(
  v.string(),
  v.check((text) => parseCidr(text) !== undefined, 'must be a CIDR such as 10.96.0.0/12'),
  // Connections to all other addresses in it are dropped: with 0.0.0.0/0 the node would be cut off, even from itself.
  v.check((text) => {
    const cidr = parseCidr(text);
    return cidr === undefined || !isInCidr(LOOPBACK[cidr.family], cidr);
  }, 'must not contain the loopback address'),
  v.transform((text) => formatCidr(parseCidr(text))),
);

/** Reads what an API server or a manifest says of a ServiceCIDR, and keeps what we use. */
const ServiceCidrSchema = v.pipe(
  v.object({ metadata: v.object({ name: ObjectName }), spec: v.object({ cidrs: list(Cidr) }) }),
  v.transform(({ metadata, spec }): ServiceCidr => ({ kind: 'ServiceCIDR', name: metadata.name, cidrs: spec.cidrs })),
);

export const SCHEMAS: { readonly [K in Kind]: v.GenericSchema<unknown, KubeObject> } = {
  Service: ServiceSchema,
  EndpointSlice: EndpointSliceSchema,
  Node: NodeSchema,
  ServiceCIDR: ServiceCidrSchema,
};

/** The path of the first problem that a schema finds: "spec.ports[0].port". */
export function fieldOfIssue({ path }: v.BaseIssue<unknown>): string {
  return (path ?? [])
    .map((item) => (typeof item.key === 'number' ? `[${item.key}]` : `.${String(item.key)}`))
    .join('')
    .replace(/^\./, '');
}
