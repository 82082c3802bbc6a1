import { networkTester } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint } from '../objects/endpoint-slice.ts';
import type { Node } from '../objects/node.ts';

/**
 * Tells the endpoints that were pods of a node, by its name and its Node as last known: addresses in its pod networks
 * (spec.podCIDRs), and those of endpoints that were there with an address that is not the node's own, as where a network
 * plugin gives out addresses itself. Pods do not outlive a reboot of their node, and their addresses are given again.
 */
export function lostPodTester(nodeName: string, node: Node | undefined): (endpoint: SliceEndpoint) => boolean {
  const isInPodNetwork = networkTester(node?.podCidrs ?? []);
  const own = new Set(node?.addresses);
  return ({ address, nodeName: place }) => !own.has(address) && (place === nodeName || isInPodNetwork(address));
}

/** A slice without the endpoints that `isLost`; itself if there are none. */
export function withoutLost(slice: EndpointSlice, isLost: (endpoint: SliceEndpoint) => boolean): EndpointSlice {
  const endpoints = slice.endpoints.filter((endpoint) => !isLost(endpoint));
  return endpoints.length === slice.endpoints.length ? slice : { ...slice, endpoints };
}
