import type { Kind } from '../../objects/decode.ts';
import { HEADLESS_LABEL } from '../../objects/endpoint-slice.ts';
import { SERVICE_PROXY_NAME_LABEL } from '../../objects/service.ts';

/** A kind to list and watch: its path, and which of its objects the server should send. */
export interface Resource {
  readonly kind: Kind;
  /** The plural name in RBAC rules, or a name for part of the objects; unique among the resources. */
  readonly name: string;
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** True if an API server may not have it, or may not let us read it. This is not a failure, and nothing waits for it. */
  readonly optional?: true;
  /** What it means that we do not have it, for the log, if there is more to say. What was known of it is then forgotten. */
  readonly without?: string;
}

export interface ResourceOptions {
  /** Whether the Nodes of others are followed, too. Default: no. */
  readonly otherNodes?: boolean;
}

/**
 * The kinds, with kube-proxy's selectors (cmd/kube-proxy/app/server.go): Services without the service-proxy-name label and
 * not headless, EndpointSlices without the headless label, one Node, and ServiceCIDRs, which are v1 since Kubernetes 1.33,
 * and about as long in the ClusterRole system:node-proxier. With `otherNodes` all other Nodes, too, which kube-proxy does
 * not read.
 */
export function resourcesFor(nodeName: string, { otherNodes = false }: ResourceOptions = {}): readonly Resource[] {
  return [
    {
      kind: 'Service',
      name: 'services',
      path: '/api/v1/services',
      labelSelector: `!${SERVICE_PROXY_NAME_LABEL}`,
      fieldSelector: 'spec.clusterIP!=None',
    },
    {
      kind: 'EndpointSlice',
      name: 'endpointslices',
      path: '/apis/discovery.k8s.io/v1/endpointslices',
      labelSelector: `!${HEADLESS_LABEL}`,
    },
    { kind: 'Node', name: 'nodes', path: '/api/v1/nodes', fieldSelector: `metadata.name=${nodeName}` },
    { kind: 'ServiceCIDR', name: 'servicecidrs', path: '/apis/networking.k8s.io/v1/servicecidrs', optional: true },
    ...(otherNodes ? [otherNodesThan(nodeName)] : []),
  ];
}

function otherNodesThan(nodeName: string): Resource {
  return {
    kind: 'Node',
    name: 'other nodes',
    path: '/api/v1/nodes',
    fieldSelector: `metadata.name!=${nodeName}`,
    optional: true,
    without: '--skip-unreachable-nodes has no effect',
  };
}

/** The path with the resource's selectors and the given parameters, without undefined ones. */
export function pathOf(resource: Resource, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  const { labelSelector, fieldSelector } = resource;
  for (const [name, value] of Object.entries({ labelSelector, fieldSelector, ...parameters })) {
    if (value !== undefined) query.set(name, value);
  }
  return `${resource.path}?${query}`;
}
