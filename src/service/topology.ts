import type { SliceEndpoint } from '../objects/endpoint-slice.ts';

/** The part of a node that decides where its traffic goes. */
export interface NodePlace {
  readonly name: string;
  /** Empty if unknown. */
  readonly zone: string;
  /** Names of nodes whose endpoints are to be used only if there are no others. */
  readonly avoided?: ReadonlySet<string> | undefined;
}

/** The endpoints that are not on nodes to avoid, in order. */
export function reachable<E extends { readonly entry: Pick<SliceEndpoint, 'nodeName'> }>(
  endpoints: readonly E[],
  node: NodePlace,
): readonly E[] {
  if (node.avoided === undefined || node.avoided.size === 0) return endpoints;
  const isElsewhere = isAvoided(node);
  return endpoints.filter((endpoint) => !isElsewhere(endpoint));
}

/** Returns a function that recognises endpoints on nodes to avoid. */
export function isAvoided({ avoided }: Pick<NodePlace, 'avoided'>) {
  return ({ entry }: { readonly entry: Pick<SliceEndpoint, 'nodeName'> }): boolean =>
    avoided?.has(entry.nodeName) === true;
}

/**
 * The ready endpoints that a node should use according to their hints (KEP-2433, KEP-3015). Hints apply only if every ready
 * endpoint has hints of that kind, and at least one names this node (or its zone). Node hints come before zone hints.
 * Otherwise all endpoints are used. Service annotations and trafficDistribution are for the control plane; a proxy reads
 * only hints.
 */
export function preferHinted<E extends { readonly entry: Pick<SliceEndpoint, 'nodeHints' | 'zoneHints'> }>(
  ready: readonly E[],
  node: NodePlace,
): readonly E[] {
  if (ready.every(({ entry }) => entry.nodeHints !== undefined)) {
    const forNode = ready.filter(({ entry }) => entry.nodeHints?.includes(node.name));
    if (forNode.length > 0) return forNode;
  }
  if (node.zone !== '' && ready.every(({ entry }) => entry.zoneHints !== undefined)) {
    const forZone = ready.filter(({ entry }) => entry.zoneHints?.includes(node.zone));
    if (forZone.length > 0) return forZone;
  }
  return ready;
}
