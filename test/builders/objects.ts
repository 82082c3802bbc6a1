import type { EndpointSlice, SliceEndpoint, SlicePort } from '../../src/objects/endpoint-slice.ts';
import type { Node } from '../../src/objects/node.ts';
import type { Service, ServicePortSpec } from '../../src/objects/service.ts';
import type { ServiceCidr } from '../../src/objects/service-cidr.ts';

/** Slimmed objects as the model gets them; what a test does not name is ordinary. */

export const NODE_NAME = 'node-a';

/** This node, of which nothing is known but its name. */
export const HERE = { nodeName: NODE_NAME, node: undefined };

export const HTTP: ServicePortSpec = { name: 'http', protocol: 'tcp', port: 80 };

/** Service default/web at 10.96.0.10, port http 80/tcp. */
export function service(changes: Partial<Service> = {}): Service {
  return {
    kind: 'Service',
    namespace: 'default',
    name: 'web',
    createdAt: '2026-01-01T00:00:00Z',
    otherProxy: false,
    type: 'ClusterIP',
    clusterIps: ['10.96.0.10'],
    ports: [HTTP],
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    internalLocal: false,
    externalLocal: false,
    ...changes,
  };
}

/** A slice of Service default/web; its port http is 8080/tcp. */
export function slice(endpoints: readonly SliceEndpoint[], changes: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    kind: 'EndpointSlice',
    namespace: 'default',
    name: 'web-1',
    serviceName: 'web',
    ports: [slicePort()],
    endpoints,
    ...changes,
  };
}

/** Port http, 8080/tcp. */
export function slicePort(changes: Partial<SlicePort> = {}): SlicePort {
  return { name: 'http', protocol: 'tcp', port: 8080, ...changes };
}

/** A ready endpoint on another node. */
export function ready(address: string, changes: Partial<SliceEndpoint> = {}): SliceEndpoint {
  return {
    address,
    ready: true,
    serving: true,
    terminating: false,
    nodeName: 'node-b',
    ...changes,
  };
}

/** An endpoint that ends but still answers. */
export function servingTerminating(address: string): SliceEndpoint {
  return ready(address, { ready: false, terminating: true });
}

/** An endpoint that does not answer yet. */
export function notReady(address: string): SliceEndpoint {
  return ready(address, { ready: false, serving: false });
}

/** This node, with nothing but its name. */
export function node(changes: Partial<Node> = {}): Node {
  return { kind: 'Node', name: NODE_NAME, addresses: [], zone: '', podCidrs: [], eligible: true, ...changes };
}

export function serviceCidr(name: string, ...cidrs: readonly string[]): ServiceCidr {
  return { kind: 'ServiceCIDR', name, cidrs };
}
