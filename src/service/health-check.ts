import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';

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
 */
export function healthCheckOf(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
): HealthCheck | undefined {
  const { namespace, name, type, externalLocal, healthCheckNodePort: port, otherProxy, clusterIps } = service;
  const isChecked = type === 'LoadBalancer' && externalLocal && !otherProxy && clusterIps.length > 0;
  if (!isChecked || port === undefined) return undefined;
  const families = clusterIps.flatMap((ip) => familyOf(ip) ?? []);
  const localEndpoints = new Map(families.map((family) => [family, countReady(slices, nodeName, family)]));
  return { namespace, name, port, localEndpoints };
}

function countReady(slices: readonly EndpointSlice[], nodeName: string, family: Family): number {
  // An endpoint without ports gets no traffic.
  const endpoints = slices.filter(({ ports }) => ports.length > 0).flatMap((slice) => slice.endpoints);
  const isHere = (place: string) => place !== '' && place === nodeName;
  const ready = endpoints.filter(
    (entry) => entry.ready && isHere(entry.nodeName) && familyOf(entry.address) === family,
  );
  return new Set(ready.map(({ address }) => address)).size;
}
