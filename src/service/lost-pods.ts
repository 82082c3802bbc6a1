import { networkTester } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint } from '../objects/endpoint-slice.ts';
import type { Node } from '../objects/node.ts';

/**
 * Recognises endpoints that were pods of a node, by its name and its last known Node: addresses in its pod networks
 * (spec.podCIDRs), and addresses of endpoints on it that are not the node's own, for network plugins that allocate addresses
 * themselves. Pods do not survive a reboot of their node, and their addresses are reused.
 */
export function lostPodTester(nodeName: string, node: Node | undefined): (endpoint: SliceEndpoint) => boolean {
  const isInPodNetwork = networkTester(node?.podCidrs ?? []);
  const own = new Set(node?.addresses);
  return ({ address, nodeName: place }) => !own.has(address) && (place === nodeName || isInPodNetwork(address));
}

/** A slice without the endpoints that `isLost`; the same object if there are none. */
export function withoutLost(slice: EndpointSlice, isLost: (endpoint: SliceEndpoint) => boolean): EndpointSlice {
  const endpoints = slice.endpoints.filter((endpoint) => !isLost(endpoint));
  return endpoints.length === slice.endpoints.length ? slice : { ...slice, endpoints };
}
