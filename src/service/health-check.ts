import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';

/** What a load balancer that asks on a Service's healthCheckNodePort is to be told. */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  /** spec.healthCheckNodePort. */
  readonly port: number;
  /** How many endpoints on this node are ready, over all ports. Those that terminate do not count, though they serve. */
  readonly localEndpoints: number;
}

/**
 * The health check of a Service of type LoadBalancer with externalTrafficPolicy Local and a healthCheckNodePort;
 * undefined for any other, and for those kube-proxy ignores (another proxy's, headless).
 *
 * Endpoints are counted by address, in each family the Service has, and the greater count is given. kube-proxy counts
 * each family by itself and answers a dual-stack Service with the count of whichever family got the port (since 1.36:
 * of the family asked, kubernetes/kubernetes#137370). With both addresses on each Pod these are all the same number, so
 * that load balancers weigh nodes with either proxy alike; the sum would count each Pod twice.
 */
export function healthCheckOf(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
): HealthCheck | undefined {
  const { namespace, name, type, externalLocal, healthCheckNodePort: port, otherProxy, clusterIps } = service;
  const isChecked = type === 'LoadBalancer' && externalLocal && !otherProxy && clusterIps.length > 0;
  if (!isChecked || port === undefined) return undefined;
  const counts = clusterIps.map((ip) => countReady(slices, nodeName, familyOf(ip)));
  return { namespace, name, port, localEndpoints: Math.max(...counts) };
}

function countReady(slices: readonly EndpointSlice[], nodeName: string, family: Family | undefined): number {
  // An endpoint of no port takes no traffic.
  const endpoints = slices.filter(({ ports }) => ports.length > 0).flatMap((slice) => slice.endpoints);
  const isHere = (place: string) => place !== '' && place === nodeName;
  const ready = endpoints.filter(
    (entry) => entry.ready && isHere(entry.nodeName) && familyOf(entry.address) === family,
  );
  return new Set(ready.map(({ address }) => address)).size;
}
