import type { NetworkSet } from '../../src/ruleset/ruleset.ts';

/** A node's networks: the pods', and all addresses of a family for node ports if `nodePorts` says so. */
export function networks(
  podCidrs: readonly string[],
  nodePorts: readonly string[] = [],
  nodePortClients: readonly string[] = [],
): Readonly<Record<NetworkSet, readonly string[]>> {
  return {
    'pod-cidrs': podCidrs,
    'all-sources': [],
    'node-port-networks': nodePorts,
    'node-port-clients': nodePortClients,
    'service-cidrs': [],
  };
}
