import { OTHER_NODE, THIS_NODE } from '../scenarios/runner/cast.ts';
import type { RawObject } from './api-server.ts';
import { clusterIpOf, ENDPOINTS, type EndpointName, type OWN_ADDRESSES, TARGETS, type Version } from './cast.ts';

/** What a Service is to be, in terms of the cast; serviceObject makes it what the API takes. */
export interface ServicePlan {
  readonly name: string;
  /** Its number: it has ClusterIPs of its own. */
  readonly number: number;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName' | 'Headless';
  readonly clusterIps: number;
  readonly families: readonly Version[];
  readonly ports: readonly PlannedPort[];
  readonly externalIps: readonly PublicAddress[];
  readonly loadBalancerIps: readonly PublicAddress[];
  readonly ipMode: 'VIP' | 'Proxy' | undefined;
  readonly ranges: readonly string[];
  readonly externalLocal: boolean;
  readonly internalLocal: boolean;
  /** Seconds; 0 is the API's default. */
  readonly affinity: number | undefined;
  readonly othersProxy: boolean;
  readonly nodePorts: boolean;
}

export interface PlannedPort {
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  /** Undefined: the API server's choice. */
  readonly nodePort: number | undefined;
}

export type PublicAddress = keyof typeof TARGETS;

/** A Service's EndpointSlice of one family. */
export interface SlicePlan {
  readonly name: string;
  readonly serviceName: string;
  readonly version: Version;
  readonly endpoints: readonly PlannedEndpoint[];
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number | undefined }[];
}

export interface PlannedEndpoint {
  readonly name: EndpointName;
  readonly conditions: object;
  readonly isPlaced: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export interface NodePlan {
  readonly addresses: readonly (typeof OWN_ADDRESSES)[number][];
  readonly zone: string | undefined;
  /** As a cloud provider marks it: load balancers are to send nothing new. */
  readonly isLeaving: boolean;
  /** Cannot change while the Node lives. */
  readonly podCidrs: readonly string[];
}

const FAMILIES = { ip4: 'IPv4', ip6: 'IPv6' } as const;

/** Whether the API lets one Service become the other, or it has to be deleted first. */
export function needsRecreation(before: ServicePlan, after: ServicePlan): boolean {
  if (before.type === 'ExternalName' || after.type === 'ExternalName') return false;
  return (
    (before.type === 'Headless') !== (after.type === 'Headless') ||
    before.clusterIps !== after.clusterIps ||
    before.families[0] !== after.families[0]
  );
}

export function serviceObject(plan: ServicePlan): RawObject {
  const { type, families, externalIps } = plan;
  const labels = plan.othersProxy ? { 'service.kubernetes.io/service-proxy-name': 'other' } : {};
  const metadata = { name: plan.name, namespace: 'default', labels };
  if (type === 'ExternalName') {
    return { kind: 'Service', metadata, spec: { type, externalName: 'www.example.org', ports: portsOf(plan) } };
  }
  const ips = families.map((version) => clusterIpOf(plan.number, plan.clusterIps)[version]);
  const clusterIPs = type === 'Headless' ? ['None'] : ips;
  const isBalanced = type === 'LoadBalancer';
  const isExternal = isBalanced || type === 'NodePort' || externalIps.length > 0;
  const addresses = (names: readonly PublicAddress[]) =>
    names.flatMap((name) => families.map((version) => TARGETS[name][version]));
  return {
    kind: 'Service',
    metadata,
    spec: {
      type: type === 'Headless' ? 'ClusterIP' : type,
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilies: families.map((version) => FAMILIES[version]),
      ipFamilyPolicy: families.length === 2 ? 'RequireDualStack' : 'SingleStack',
      ports: portsOf(plan),
      ...(type !== 'Headless' && { externalIPs: addresses(externalIps) }),
      ...(isExternal && type !== 'Headless' && { externalTrafficPolicy: plan.externalLocal ? 'Local' : 'Cluster' }),
      internalTrafficPolicy: plan.internalLocal ? 'Local' : 'Cluster',
      ...(isBalanced && { loadBalancerSourceRanges: plan.ranges, allocateLoadBalancerNodePorts: plan.nodePorts }),
      ...(plan.affinity === undefined
        ? { sessionAffinity: 'None' }
        : {
            sessionAffinity: 'ClientIP',
            ...(plan.affinity > 0 && { sessionAffinityConfig: { clientIP: { timeoutSeconds: plan.affinity } } }),
          }),
    },
    ...(isBalanced && {
      status: {
        loadBalancer: {
          ingress: addresses(plan.loadBalancerIps).map((ip) => ({ ip, ...(plan.ipMode && { ipMode: plan.ipMode }) })),
        },
      },
    }),
  };
}

function portsOf({ type, ports, nodePorts }: ServicePlan): readonly object[] {
  const hasNodePorts = type === 'NodePort' || (type === 'LoadBalancer' && nodePorts);
  return ports.map(({ name, protocol, port, nodePort }) => ({
    name,
    protocol,
    port,
    ...(hasNodePorts && nodePort !== undefined && { nodePort }),
  }));
}

export function sliceObject({ name, serviceName, version, endpoints, ports }: SlicePlan): RawObject {
  const named = (names: readonly string[]) => names.map((one) => ({ name: one }));
  return {
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: FAMILIES[version],
    ports: ports.map(({ port, ...rest }) => ({ ...rest, ...(port !== undefined && { port }) })),
    endpoints: endpoints.map((endpoint) => ({
      addresses: [ENDPOINTS[endpoint.name][version]],
      conditions: endpoint.conditions,
      ...(endpoint.isPlaced && { nodeName: ENDPOINTS[endpoint.name].place === 'remote' ? OTHER_NODE : THIS_NODE }),
      ...((endpoint.zones.length > 0 || endpoint.nodes.length > 0) && {
        hints: { forZones: named(endpoint.zones), forNodes: named(endpoint.nodes) },
      }),
    })),
  };
}

export function nodeObject({ addresses, zone, isLeaving, podCidrs }: NodePlan): RawObject {
  return {
    kind: 'Node',
    metadata: { name: THIS_NODE, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
    spec: {
      podCIDR: podCidrs[0],
      podCIDRs: podCidrs,
      taints: isLeaving ? [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }] : [],
    },
    status: {
      addresses: addresses
        .flatMap((name) => [TARGETS[name].ip4, TARGETS[name].ip6])
        .map((address) => ({ type: 'InternalIP', address })),
    },
  };
}
