import type { KubeObject } from './decode.ts';
import {
  type EndpointSlice,
  SERVICE_NAME_LABEL,
  type SliceEndpoint,
  TRIGGER_TIME_ANNOTATION,
} from './endpoint-slice.ts';
import { type Node, TO_BE_DELETED_TAINT, ZONE_LABEL } from './node.ts';
import type { Protocol } from './protocol.ts';
import { SERVICE_PROXY_NAME_LABEL, type Service } from './service.ts';
import type { ServiceCidr } from './service-cidr.ts';
import { annotationsOf } from './service-options.ts';
import { sliceAnnotationsOf } from './slice-options.ts';

/**
 * A slimmed object in Kubernetes' form, with only the fields that we use. decodeObject gives the same object again, without
 * what was left out: endpoints of a slice (`leftOut`), invalid annotations (`problems`, `ciliumProblem`), and whether a Node
 * was Ready (`unready`), which says nothing about a later time.
 */
export function encodeObject(object: KubeObject): object {
  switch (object.kind) {
    case 'Service':
      return encodeService(object);
    case 'EndpointSlice':
      return encodeSlice(object);
    case 'Node':
      return encodeNode(object);
    case 'ServiceCIDR':
      return encodeServiceCidr(object);
  }
}

function encodeService(service: Service): object {
  const { kind, namespace, name, createdAt, otherProxy, type, clusterIps, ports, externalIps } = service;
  const { loadBalancerIps, sourceRanges, internalLocal, externalLocal, affinitySeconds } = service;
  const { healthCheckNodePort, options } = service;
  return {
    kind,
    metadata: {
      namespace,
      name,
      ...(createdAt !== '' && { creationTimestamp: createdAt }),
      ...(otherProxy && { labels: { [SERVICE_PROXY_NAME_LABEL]: '' } }),
      ...(options && { annotations: annotationsOf(options) }),
    },
    spec: {
      type,
      clusterIPs: clusterIps,
      ports: ports.map((port) => ({ ...port, protocol: encodeProtocol(port.protocol) })),
      ...(externalIps.length > 0 && { externalIPs: externalIps }),
      ...(sourceRanges.length > 0 && { loadBalancerSourceRanges: sourceRanges }),
      ...(internalLocal && { internalTrafficPolicy: 'Local' }),
      ...(externalLocal && { externalTrafficPolicy: 'Local' }),
      ...(affinitySeconds !== undefined && {
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: affinitySeconds } },
      }),
      ...(healthCheckNodePort !== undefined && { healthCheckNodePort }),
    },
    ...(loadBalancerIps.length > 0 && { status: { loadBalancer: { ingress: loadBalancerIps.map((ip) => ({ ip })) } } }),
  };
}

function encodeSlice(slice: EndpointSlice): object {
  const { kind, namespace, name, serviceName, ports, endpoints, triggeredAt, options } = slice;
  const annotations = {
    ...(triggeredAt !== undefined && { [TRIGGER_TIME_ANNOTATION]: new Date(triggeredAt).toISOString() }),
    ...(options && sliceAnnotationsOf(options)),
  };
  return {
    kind,
    metadata: {
      namespace,
      name,
      labels: { [SERVICE_NAME_LABEL]: serviceName },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    addressType: endpoints[0]?.address.includes(':') ? 'IPv6' : 'IPv4',
    ports: ports.map((port) => ({ ...port, protocol: encodeProtocol(port.protocol) })),
    endpoints: endpoints.map(encodeEndpoint),
  };
}

function encodeEndpoint(endpoint: SliceEndpoint): object {
  const { address, ready, serving, terminating, nodeName, zone, zoneHints, nodeHints } = endpoint;
  const named = (names: readonly string[]) => names.map((name) => ({ name }));
  return {
    addresses: [address],
    ...(!(ready && serving && !terminating) && { conditions: { ready, serving, terminating } }),
    ...(nodeName !== '' && { nodeName }),
    ...(zone !== undefined && { zone }),
    ...((zoneHints ?? nodeHints) !== undefined && {
      hints: { ...(zoneHints && { forZones: named(zoneHints) }), ...(nodeHints && { forNodes: named(nodeHints) }) },
    }),
  };
}

function encodeNode({ kind, name, addresses, zone, podCidrs, eligible }: Node): object {
  return {
    kind,
    metadata: { name, ...(zone !== '' && { labels: { [ZONE_LABEL]: zone } }) },
    spec: { podCIDRs: podCidrs, ...(!eligible && { taints: [{ key: TO_BE_DELETED_TAINT }] }) },
    // In order. Which of them are external makes no further difference.
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
}

function encodeServiceCidr({ kind, name, cidrs }: ServiceCidr): object {
  return { kind, metadata: { name }, spec: { cidrs } };
}

function encodeProtocol(protocol: Protocol): string {
  return protocol.toUpperCase();
}
