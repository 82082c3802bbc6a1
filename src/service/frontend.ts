import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Protocol } from '../objects/schema.ts';
import type { Service } from '../objects/service.ts';
import { type Endpoint, selectEndpoints } from './endpoints.ts';

/** An address, protocol and port that a Service answers on, and the endpoints behind it. */
export interface Frontend {
  readonly family: Family;
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** "namespace/name:port name", or "namespace/name" for the unnamed port. */
  readonly servicePort: string;
  /** Sorted by address and port, without duplicates. Empty: connections are rejected. */
  readonly endpoints: readonly Endpoint[];
}

/** What a frontend's packets are told apart by; unique in a family's ruleset. */
export function frontendKey(frontend: Pick<Frontend, 'address' | 'protocol' | 'port'>): string {
  return `${frontend.address} ${frontend.protocol} ${frontend.port}`;
}

/**
 * The frontends of one Service in one family. None for the Services kube-proxy ignores too: of another proxy
 * (label service.kubernetes.io/service-proxy-name), ExternalName, headless, or without a ClusterIP of the family.
 * Of ports that repeat a protocol and number, which the API forbids, the first counts.
 */
export function frontendsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  family: Family,
  nodeName: string,
): readonly Frontend[] {
  const address = service.clusterIps.find((ip) => familyOf(ip) === family);
  if (address === undefined || service.otherProxy || service.type === 'ExternalName') return [];
  const frontends = new Map<string, Frontend>();
  for (const spec of service.ports) {
    const { protocol, port } = spec;
    const key = frontendKey({ address, protocol, port });
    if (frontends.has(key)) continue;
    const servicePort = `${service.namespace}/${service.name}${spec.name === '' ? '' : `:${spec.name}`}`;
    const endpoints = selectEndpoints(slices, spec, family, nodeName);
    frontends.set(key, { family, address, protocol, port, servicePort, endpoints });
  }
  return [...frontends.values()];
}
