import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import type { Frontend } from './frontend.ts';
import { readyHereSteps } from './ready-here.ts';
import { endsStep, type Steps } from './steps.ts';

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
 *
 * `inForce`: the frontends that the kernel has, if it does not have this Service and these slices yet. Endpoints count that
 * are both ready now and in force, so nothing is attracted for an endpoint that is gone, or that the rules do not know.
 */
export function* healthCheckSteps(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
  inForce?: ReadonlyMap<Family, readonly Frontend[]>,
): Steps<HealthCheck | undefined> {
  const { namespace, name, type, externalLocal, healthCheckNodePort: port, otherProxy, clusterIps } = service;
  const isChecked = type === 'LoadBalancer' && externalLocal && !otherProxy && clusterIps.length > 0;
  if (!isChecked || port === undefined) return undefined;
  const localEndpoints = new Map<Family, number>();
  for (const family of clusterIps.flatMap((ip) => familyOf(ip) ?? [])) {
    const ready = yield* readyHereSteps(slices, nodeName, family);
    const served = inForce && (yield* endpointAddresses(inForce.get(family) ?? []));
    const counted = served === undefined ? ready.size : [...ready].filter((address) => served.has(address)).length;
    localEndpoints.set(family, counted);
  }
  return { namespace, name, port, localEndpoints };
}

/** The addresses of endpoints that frontends lead to. */
function* endpointAddresses(frontends: readonly Frontend[]): Steps<ReadonlySet<string>> {
  const addresses = new Set<string>();
  // Most frontends of a Service share their endpoints.
  for (const list of new Set(frontends.flatMap(({ endpoints, localEndpoints }) => [endpoints, localEndpoints]))) {
    for (const [i, { address }] of list.entries()) {
      addresses.add(address);
      if (endsStep(i)) yield;
    }
    yield;
  }
  return addresses;
}
