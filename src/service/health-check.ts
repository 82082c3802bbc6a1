import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import { candidateSteps, type PortGroup, sourcesByPort } from './candidates.ts';
import type { Steps } from './steps.ts';

/** What a load balancer learns from a Service's healthCheckNodePort. */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  /** spec.healthCheckNodePort. */
  readonly port: number;
  /**
   * How many endpoints on this node are ready, over all ports, in each family of the Service. Terminating endpoints do not
   * count, although they serve.
   */
  readonly localEndpoints: ReadonlyMap<Family, number>;
}

/**
 * The health check of a Service of type LoadBalancer with externalTrafficPolicy Local and a healthCheckNodePort; undefined
 * for any other, and for those that kube-proxy ignores (of another proxy, headless).
 *
 * Endpoints are counted by address, separately for each family. A probe learns about the family it comes over, like in
 * kube-proxy since 1.36 (kubernetes/kubernetes#137370): a load balancer's IPv4 traffic is lost if only IPv6 has an endpoint.
 * Of several entries of an address and port, the one that applies to connections counts.
 */
export function* healthCheckSteps(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
): Steps<HealthCheck | undefined> {
  const { namespace, name, type, externalLocal, healthCheckNodePort: port, otherProxy, clusterIps } = service;
  const isChecked = type === 'LoadBalancer' && externalLocal && !otherProxy && clusterIps.length > 0;
  if (!isChecked || port === undefined) return undefined;
  const localEndpoints = new Map<Family, number>();
  for (const family of clusterIps.flatMap((ip) => familyOf(ip) ?? [])) {
    localEndpoints.set(family, yield* countReady(slices, nodeName, family));
  }
  return { namespace, name, port, localEndpoints };
}

/** Ports that the Service does not have count, too, as in kube-proxy. An endpoint without ports gets no traffic. */
function* countReady(slices: readonly EndpointSlice[], nodeName: string, family: Family): Steps<number> {
  if (nodeName === '') return 0;
  const counted = new Set<string>();
  const known = new Set<PortGroup>();
  for (const sources of sourcesByPort(slices).values()) {
    const [source] = sources;
    // Ports that the same slices have differ only in their number.
    if (source === undefined || (sources.length === 1 && known.has(source.group))) continue;
    if (sources.length === 1) known.add(source.group);
    for (const { entry } of yield* candidateSteps(sources, family)) {
      if (entry.ready && entry.nodeName === nodeName) counted.add(entry.address);
    }
    yield;
  }
  return counted.size;
}
