import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../objects/service.ts';
import type { Frontend } from './frontend.ts';

/** An address and UDP port that a Service answers on, and which flows to it are not stale. */
export interface UdpFrontend {
  /** Canonical; empty for a node port: the node's own addresses. */
  readonly address: string;
  readonly port: number;
  /** The canonical addresses of the endpoints that serve. Empty: every flow is stale. */
  readonly serving: ReadonlySet<string>;
}

/**
 * The UDP frontends among those of one Service and family (`frontendsOf`, or those of them it holds against other
 * Services), each with every endpoint of its port that has the condition serving: flows to one that is no longer chosen
 * for new flows (terminating, of another node or zone) go on as long as it serves, as with kube-proxy.
 */
export function udpFrontendsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  frontends: readonly Pick<Frontend, 'family' | 'kind' | 'address' | 'protocol' | 'port'>[],
): readonly UdpFrontend[] {
  const specs = service.ports.filter(({ protocol }) => protocol === 'udp');
  // All frontends of a port share one set.
  const serving = new Map<string, ReadonlySet<string>>();
  return frontends.flatMap(({ family, kind, address, protocol, port }) => {
    const number = (spec: ServicePortSpec) => (kind === 'node-port' ? spec.nodePort : spec.port);
    const spec = protocol === 'udp' ? specs.find((candidate) => number(candidate) === port) : undefined;
    if (spec === undefined) return [];
    const key = `${family} ${spec.name}`;
    const addresses = serving.get(key) ?? servingAddresses(slices, spec, family);
    serving.set(key, addresses);
    return [{ address, port, serving: addresses }];
  });
}

function servingAddresses(slices: readonly EndpointSlice[], spec: ServicePortSpec, family: Family): Set<string> {
  const ofPort = slices.filter(({ ports }) =>
    ports.some(({ name, protocol }) => name === spec.name && protocol === spec.protocol),
  );
  const serving = ofPort.flatMap(({ endpoints }) => endpoints.filter((endpoint) => endpoint.serving));
  return new Set(serving.map(({ address }) => address).filter((address) => familyOf(address) === family));
}
