import type { Kind } from '../../objects/decode.ts';
import { HEADLESS_LABEL } from '../../objects/endpoint-slice.ts';
import { SERVICE_PROXY_NAME_LABEL } from '../../objects/service.ts';

/** One kind to list and watch: where, and which objects of it the server is to send. */
export interface Resource {
  readonly kind: Kind;
  /** The plural name RBAC rules use, or one for part of these; unique among the resources. */
  readonly name: string;
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** True if an API server may not have it, or may not give it to us: that is no fault, and nothing waits for it. */
  readonly optional?: true;
  /** What it means that we do not have it, for the log, if there is more to say. What was known of it is forgotten then. */
  readonly without?: string;
}

export interface ResourceOptions {
  /** Whether the Nodes of others are followed, too. Default: they are not. */
  readonly otherNodes?: boolean;
}

/**
 * The kinds, with the selectors kube-proxy sends (cmd/kube-proxy/app/server.go): Services without the
 * service-proxy-name label and not headless, EndpointSlices without the headless label, one Node, and
 * ServiceCIDRs, which are v1 since Kubernetes 1.33 and in the ClusterRole system:node-proxier about as long. With `otherNodes` all other Nodes, which kube-proxy does not ask for.
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

/** The path with the resource's selectors and the given parameters; undefined ones are left out. */
export function pathOf(resource: Resource, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  const { labelSelector, fieldSelector } = resource;
  for (const [name, value] of Object.entries({ labelSelector, fieldSelector, ...parameters })) {
    if (value !== undefined) query.set(name, value);
  }
  return `${resource.path}?${query}`;
}
